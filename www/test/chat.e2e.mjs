/** The chat page in stock browsers: what a visitor does, and what can go wrong. */
import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  accessible,
  finished,
  longer,
  narrowEnough,
  patience,
  ready,
  send,
  stopAt,
  text,
  visit,
} from "./page.mjs";
import { browsers, launch, modelsFolder, serve } from "./site.mjs";
import { writeTinyModel } from "./tiny-model.mjs";
import { inert, plainMarkdown } from "./xss.mjs";

const models = modelsFolder();
const broken = {
  missing: (folder) => rmSync(join(folder, models.shards[1])),
  damaged: (folder) => {
    const file = join(folder, models.shards[2]);
    const data = readFileSync(file);
    data[data.length - 1] ^= 1;
    writeFileSync(file, data);
  },
  short: (folder) => truncateSync(join(folder, models.shards[0]), 1000),
  misfit: (folder) => {
    const file = join(folder, "config.json");
    writeFileSync(file, readFileSync(file, "utf8").replace('"hidden_size": 64', '"hidden_size": 96'));
  },
};
for (const [name, breakIt] of Object.entries(broken)) {
  cpSync(join(models.folder, "default"), join(models.folder, name), { recursive: true });
  breakIt(join(models.folder, name));
}
writeTinyModel(join(models.folder, "hostile"), [
  "<img src=x onerror=alert(1)>",
  "<script>alert(2)</script>",
  "<svg onload=alert(3)><style>*{display:none}</style></svg>",
  "[link](javascript:alert(4))",
  "![picture](https://elsewhere.invalid/x.png)",
  "<iframe src=https://elsewhere.invalid/></iframe>",
  "<form action=https://elsewhere.invalid/><input name=q></form>",
  "<a href=https://elsewhere.invalid/ onclick=alert(5) id=prompt style=position:fixed>a</a>",
  "<math><mtext></p><img src=x onerror=alert(6)>",
  "**bold** `code`",
  "\n\n",
]);
let server;
before(async () => {
  server = await serve(models.folder);
});
after(() => {
  server?.stop();
  models.remove();
});

const label = (page, selector) => page.$eval(selector, (e) => e.getAttribute("aria-label"));

for (const name of browsers) {
  describe(name, () => {
    let browser;
    before(async () => {
      browser = await launch(name);
    });
    after(() => browser?.close());

    test("a prompt is answered as a stream, Stop stops, the next one goes on from there", () =>
      visit(browser, `${server.origin}/?backend=webgpu`, async (page) => {
        await ready(page);
        await accessible(page);
        assert.match(await text(page, "#model"), /parameters/);
        assert.equal(await page.$eval("#start", (e) => e.hidden), true);
        await send(page, "the old ship");
        await longer(page, 20);
        assert.equal(await label(page, "#send"), "Stop");
        const early = (await text(page, ".answer")).length;
        await longer(page, early + 20); // it grows while it is written
        await page.keyboard.press("Escape");
        await finished(page, 1);
        assert.match(await text(page, ".assistant .foot"), /Stopped\.[\d,]+ tokens/);
        assert.equal(await label(page, "#send"), "Send");
        assert.equal(await page.evaluate(() => document.activeElement?.id), "prompt");
        assert.match(await text(page, "#status"), /^Samba answered: /);

        await send(page, "and then");
        await longer(page, 5);
        await page.click("#send");
        await finished(page, 2);
        assert.equal((await page.$$(".turn.user")).length, 2);
        assert.match(await text(page, "#figures"), /tokens\/s.*context \d.*state .*constant/);
        await accessible(page);

        await page.click("#new");
        assert.equal((await page.$$(".turn")).length, 0);
        assert.equal(await page.$eval("#welcome", (e) => e.hidden), false);
      }));

    test("the second visit does not download the weights", async () => {
      const own = modelsFolder();
      const place = await serve(own.folder);
      try {
        await visit(browser, place.origin, async (page) => {
          await ready(page);
          for (const shard of own.shards) rmSync(join(own.folder, "default", shard));
          await page.reload();
          await ready(page); // without asking
          await send(page, "again");
          await longer(page, 10);
        });
      } finally {
        place.stop();
        own.remove();
      }
    });

    for (const [folder, code, title, sentence] of [
      [
        "missing",
        "missing",
        "A part of the model is missing",
        /model-00002-of-00003\.safetensors is missing .* 404/,
      ],
      [
        "damaged",
        "wrong_hash",
        "A part of the model is damaged",
        /model-00003-of-00003\.safetensors arrived damaged/,
      ],
      [
        "short",
        "wrong_length",
        "wrong size",
        /model-00001-of-00003\.safetensors has 1000 bytes, the index says \d+/,
      ],
      ["misfit", "bad_model", "cannot be used", /shape .* config\.json wants/],
      ["nowhere", "missing", "A part of the model is missing", /config\.json is missing/],
    ]) {
      test(`a model folder that is ${folder} is explained`, () =>
        visit(browser, `${server.origin}/?model=models/${folder}/`, async (page) => {
          await page.locator("#go").click(); // once the page has asked
          await page.waitForSelector(".failure:not([hidden])", patience);
          assert.equal(await page.$eval("#failure", (e) => e.dataset.code), code);
          assert.ok((await text(page, ".failure h2")).includes(title));
          assert.match(await text(page, ".failure .details"), sentence);
          await accessible(page);
        }));
    }

    test("what a model writes is text, never a part of the page", () =>
      visit(
        browser,
        `${server.origin}/?model=models/hostile/`,
        async (page) => {
          let dialogs = 0;
          page.on("dialog", (dialog) => {
            dialogs++;
            dialog.dismiss();
          });
          await ready(page);
          await send(page, "go");
          // Enough of it to have every kind of thing in it, or all of it: a model may end where it likes.
          await page.waitForFunction(
            () =>
              Number(document.querySelector("#figures").textContent.match(/context (\d+)/)?.[1]) > 100 ||
              document.querySelector(".turn.assistant.finished:not(.writing)"),
            patience,
          );
          await page.keyboard.press("Escape");
          await finished(page, 1);
          const found = await page.$$eval(".answer *", (all) => [
            ...new Set(
              all.flatMap((e) => [e.localName, ...e.getAttributeNames().map((a) => `${e.localName}.${a}`)]),
            ),
          ]);
          assert.deepEqual(
            found.filter((name) => !plainMarkdown.test(name)),
            [],
          );
          const links = await page.$$eval(".answer a[href]", (all) => [
            ...new Set(all.map((a) => a.protocol)),
          ]);
          assert.ok(
            links.every((protocol) => protocol === "https:"),
            String(links),
          );
          assert.equal(dialogs, 0);
        },
        { forgive: inert },
      ));

    if (name === "chromium") {
      // Firefox has no command that ends its GPU process.
      test("a graphics chip that goes away is replaced, and the answer goes on", async () => {
        const own = await launch(name); // it takes the GPU from every page of its browser
        try {
          // Readbacks that nobody waits for any more fail with the device.
          const forgive = /mapAsync/;
          const work = async (page) => {
            await ready(page);
            await send(page, "the sea");
            await longer(page, 20);
            const devtools = await own.target().createCDPSession();
            await devtools.send("Browser.crashGpuProcess");
            const before = (await text(page, ".answer")).length;
            await longer(page, before + 60); // the engine takes it up again
            assert.equal(await page.$eval("#failure", (e) => e.hidden), true);
            await page.keyboard.press("Escape");
            await finished(page, 1);
            await send(page, "and on");
            await longer(page, 20);
            await page.keyboard.press("Escape");
            await finished(page, 2);
          };
          await visit(own, `${server.origin}/?backend=webgpu`, work, { forgive });
        } finally {
          await own.close();
        }
      });
    }

    test("320 pixels are wide enough", () =>
      visit(browser, server.origin, async (page) => {
        await page.setViewport({ width: 320, height: 568 });
        await ready(page);
        await send(page, "averyverylongwordwithoutanyspace".repeat(8));
        await longer(page, 40);
        await page.keyboard.press("Escape");
        await finished(page, 1);
        await narrowEnough(page, 320);
      }));

    test("without WebGPU the page says so, and the processor can do the work", async () => {
      const plain = await launch(name, { webgpu: false });
      try {
        await visit(plain, `${server.origin}/?backend=webgpu`, async (page) => {
          await page.locator("#go").click(); // once the page has asked
          await page.waitForSelector(".failure:not([hidden])", patience);
          assert.match(await page.$eval("#failure", (e) => e.dataset.code), /^no_(webgpu|adapter)$/);
          await accessible(page);
          const buttons = await page.$$("#failure .choice");
          assert.equal(buttons.length, 2);
          await buttons[1].click();
          await page.waitForFunction(() => document.body.dataset.state === "ready", patience);
          await send(page, "hello");
          await stopAt(page, 20); // plain Go must let the browser see this
          await finished(page, 1);
          assert.match(await text(page, ".assistant .foot"), /Stopped\./);
        });
      } finally {
        await plain.close();
      }
    });
  });
}
