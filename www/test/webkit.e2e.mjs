/** The page and the library in Safari's engine, on the processor: what works there, and what it lacks is said. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { door, modelsFolder, serve, staticFiles } from "./site.mjs";
import { launchWebKit } from "./webkit.mjs";

const models = modelsFolder();
let server;
let browser;
before(async () => {
  server = await serve(models.folder);
  browser = await launchWebKit();
});
after(async () => {
  await browser?.close();
  server?.stop();
  models.remove();
});

const said = (selector) => browser.run((s) => document.querySelector(s)?.textContent ?? "", selector);

/** Waits until the model has answered or failed; a visitor who is asked first agrees. */
async function ready() {
  await browser.until(() => document.body?.dataset.state);
  if (await browser.run(() => document.body.dataset.state === "asleep")) await browser.click("#go");
  await browser.until(() => /ready|failed/.test(document.body.dataset.state));
  assert.equal(await browser.run(() => document.body.dataset.state), "ready", await said("#failure"));
}

/** Asks, and stops the answer once there is a bit of it. */
async function exchange(text, answers) {
  const ENTER = "\uE007";
  const ESCAPE = "\uE00C";
  await browser.type("#prompt", text + ENTER);
  await browser.until((n) => document.querySelectorAll(".answer")[n - 1]?.textContent.length > 20, answers);
  await browser.type("#prompt", ESCAPE);
  await browser.until(
    (n) => document.querySelectorAll(".assistant.finished:not(.writing)").length === n,
    answers,
  );
}

test("the page loads, answers, keeps the conversation and the model, and opens without a network", async (t) => {
  const gate = await door(server, (_url, body) => body);
  t.after(() => gate.stop().catch(() => {})); // an open door keeps a failed test from ending
  await browser.go(gate.origin);
  await ready();
  await exchange("while there is a network", 1);
  await browser.click("#model");
  await browser.until(() => document.querySelector("dialog .facts"));
  assert.match(await said("dialog .facts"), /processor.*no WebGPU/is, "what this browser lacks is said");
  await browser.reload();
  await ready();
  assert.equal(await said(".bubble"), "while there is a network");
  await browser.until(async () => {
    const { active } = await navigator.serviceWorker.ready;
    return active?.state === "activated" && navigator.serviceWorker.controller;
  });
  await gate.stop();
  await assert.rejects(fetch(gate.origin));
  await browser.reload();
  await ready();
  assert.equal(await said(".bubble"), "while there is a network");
  await exchange("and without one", 2);
});

test("the library loads from another site, answers, saves a state and goes on from it with the same tokens", async () => {
  const folder = mkdtempSync(join(tmpdir(), "samba-library-"));
  const here = (path) => fileURLToPath(new URL(path, import.meta.url));
  const tsc = [here("../node_modules/typescript/bin/tsc"), "-p", here("../tsconfig.package.json")];
  execFileSync(process.execPath, [...tsc, "--outDir", folder]);
  // As package.mjs has it.
  writeFileSync(
    join(folder, "engine/digest.js"),
    "export const sha256 = () => {}; export const hex = () => {};",
  );
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>A page</title>");
  const site = await staticFiles(folder);
  try {
    const assets = readdirSync(here("../../tools/site/dist/assets"));
    const worker = assets.find((name) => /^worker-\w+\.js$/.test(name));
    await browser.go(`${site.origin}/index.html`);
    const { backend, reason, texts, position } = await browser.run(
      async (origin, worker) => {
        const { Samba, inspectState } = await import("/engine/client.js");
        const samba = await Samba.load(`${origin}/models/default/`, { worker: `${origin}/assets/${worker}` });
        const ask = async (content) => {
          const messages = [{ role: "user", content }];
          const answer = await samba.chat.completions.create({ messages, max_tokens: 12, seed: 7 });
          return answer.choices[0].message.content;
        };
        await samba.state.read("Once upon a time", { open: true });
        const saved = await samba.state.save();
        const more = async () => {
          const { choices } = await samba.completions.create({
            prompt: "Once upon a time there",
            max_tokens: 12,
            seed: 7,
          });
          return choices[0].text;
        };
        const texts = [
          await more(),
          await ask("Something else"),
          (await samba.state.restore(saved)) && (await more()),
        ];
        const { position } = await inspectState(saved);
        const { backend, reason } = samba.about;
        samba.unload();
        return { backend, reason, texts, position };
      },
      server.origin,
      worker,
    );
    assert.equal(backend, "cpu");
    assert.match(reason, /WebGPU/, "why it is the processor is said");
    assert.ok(position > 0 && texts[1].length > 0);
    assert.equal(texts[2], texts[0]);
  } finally {
    site.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
