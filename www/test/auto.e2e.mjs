/** Where a page computes when nobody says where: it takes what is right and quicker, and says what and why. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { accessible, finished, longer, ready, send, text, visit } from "./page.mjs";
import { browsers, door, launch, modelsFolder, serve } from "./site.mjs";

const models = modelsFolder();
let server;
before(async () => {
  server = await serve(models.folder);
});
after(() => {
  server?.stop();
  models.remove();
});

// Runs in the worker before the engine: remembers the adapter as quicker than the processor, and has it compute
// something else than what a kernel says.
const pretend = (what, instead) => {
  Object.defineProperty(globalThis, "samba", {
    set(host) {
      host.recall = async () => JSON.stringify({ gpu: 1, onCPU: 2, cpu: 1 });
      Object.defineProperty(globalThis, "samba", { value: host });
    },
    configurable: true,
  });
  const make = GPUDevice.prototype.createShaderModule;
  GPUDevice.prototype.createShaderModule = function (descriptor) {
    return make.call(this, { ...descriptor, code: descriptor.code.replace(what, instead) });
  };
  // The server hears of a device that is given up.
  const { destroy } = GPUDevice.prototype;
  GPUDevice.prototype.destroy = function () {
    fetch("/given-up");
    destroy.call(this);
  };
};

/** The script of a worker that has such an adapter. */
const disguise = (script, harm) =>
  Buffer.concat([Buffer.from(`(${pretend})(...${JSON.stringify(harm)});\n`), script]);

/** The server, whose pages' workers have such an adapter. */
const disguised = (...harm) =>
  door(server, (url, body) => (/^\/assets\/worker-/.test(url) ? disguise(body, harm) : body));

/** What the page says of where it computes. */
const where = (page) => text(page, "#figures span:last-child");
const why = (page) => page.$eval("#figures span:last-child", (e) => e.title);

async function answers(page) {
  await send(page, "the sea");
  await longer(page, 20);
  await page.keyboard.press("Escape");
  await finished(page, 1);
}

for (const name of browsers) {
  describe(name, () => {
    let browser;
    before(async () => {
      browser = await launch(name);
    });
    after(() => browser?.close());

    test("the page answers where that is quicker, and says where and why", () =>
      visit(browser, `${server.origin}/?backend=auto`, async (page) => {
        await ready(page);
        assert.match(await where(page), /^on ./);
        assert.match(
          await why(page),
          /^WebGPU.*(slowly as the processor without it|passed their self-test)\.$/,
        );
        const first = await why(page);
        await answers(page);
        await page.click("#model");
        await page.waitForSelector("dialog .facts");
        const facts = await text(page, "dialog .facts");
        assert.ok(facts.includes(first), facts);
        await accessible(page);
        await page.reload(); // measured once
        await ready(page);
        assert.equal(await why(page), first);
      }));

    if (name === "firefox")
      // whose software adapter gets ready sooner
      test("a quicker adapter whose kernels compute right is taken", async () => {
        const gate = await disguised();
        try {
          await visit(browser, `${gate.origin}/?backend=auto`, async (page) => {
            await ready(page);
            assert.notEqual(await where(page), "on the processor");
            assert.match(
              await why(page),
              /^WebGPU multiplies 2\.0 times as fast .*passed their self-test\.$/,
            );
          });
        } finally {
          await gate.stop();
        }
      });

    // One that reads prompts, one that writes answers.
    const harm =
      name === "chromium"
        ? ["h[n] = exp(dt * a[n])", "h[n] = 0.9 * exp(dt * a[n])"] // selective_scan
        : ["h[i] = exp(-dt", "h[i] = 0.9 * exp(-dt"]; // selective_state_update
    const refused = async (page) => {
      assert.equal(await where(page), "on the processor");
      assert.match(await why(page), /^WebGPU is not used: .*wrong numbers.*self-test.*logit \d+ was .*\.$/);
      await answers(page);
    };
    test("one that computes wrong numbers is not: the processor answers", async () => {
      const gate = await disguised(...harm);
      try {
        await visit(browser, `${gate.origin}/?backend=auto`, async (page) => {
          await ready(page);
          await refused(page);
        });
      } finally {
        await gate.stop();
      }
    });

    test("it is found out while the weights come, and the processor takes what is left of them", async () => {
      const own = await serve(fileURLToPath(new URL("../models", import.meta.url)));
      let given = false;
      let stood = 0;
      const gate = await door(own, (url, body) => {
        given ||= url === "/given-up";
        if (/^\/assets\/worker-/.test(url)) return disguise(body, harm);
        if (given || !/model-00002-.*safetensors$/.test(url)) return body;
        stood++;
        return { body, most: 1000 }; // none get the last shard until the GPU has been given up
      });
      try {
        await visit(browser, `${gate.origin}/?backend=auto`, async (page) => {
          await ready(page);
          assert.ok(given && stood > 0);
          await refused(page);
        });
      } finally {
        await gate.stop();
        own.stop();
      }
    });

    test("without WebGPU the processor answers", async () => {
      const plain = await launch(name, { webgpu: false });
      try {
        await visit(plain, `${server.origin}/?backend=auto`, async (page) => {
          await ready(page);
          assert.equal(await where(page), "on the processor");
          assert.match(await why(page), /^WebGPU is not used: /);
          await answers(page);
          await page.click("#model");
          await page.waitForSelector("dialog .facts");
          // The page is alone with its origin: threads share what the processor does.
          if (await page.evaluate("navigator.hardwareConcurrency > 1"))
            assert.match(await text(page, "dialog .facts"), /WebAssembly, .*, [234] threads/);
        });
      } finally {
        await plain.close();
      }
    });
  });
}
