/** Published models from a hub: the list, a model by its name, what a hub does wrong. */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startHub } from "./hub-server.mjs";
import { accessible, narrowEnough, patience, ready, text, visit } from "./page.mjs";
import { launch, modelsFolder, serve } from "./site.mjs";
import { byteTokenizer } from "./tiny-model.mjs";

const models = modelsFolder();
const scratch = mkdtempSync(join(tmpdir(), "samba-hub-"));
const families = fileURLToPath(new URL("../../model/families/testdata/", import.meta.url));
let hub;
let astray = (_name, to) => to;
let answers = (_text, list) => list;
let server;
let browser;

/** A small folder of a family as it is published, with a tokenizer of bytes. */
function published(name) {
  const folder = join(scratch, name);
  cpSync(join(families, name), folder, { recursive: true });
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(byteTokenizer()));
  return folder;
}

before(async () => {
  const folders = { "org/granite-4bit": published("granite_mlx4"), "org/jamba": published("jamba_a") };
  folders["org/granite"] = published("granite_a");
  folders["org/huge"] = published("mamba_a");
  writeFileSync(join(folders["org/huge"], "config.json"), `{"model_type": "mamba"${" ".repeat(5 << 20)}}`);
  hub = await startHub(
    folders,
    (name, to) => astray(name, to),
    (text, list) => answers(text, list),
  );
  server = await serve(models.folder, `--hub=${hub.origin},${hub.cdn}`);
  browser = await launch("chromium", { webgpu: false });
});
after(async () => {
  await browser?.close();
  server?.stop();
  hub?.stop();
  models.remove();
  rmSync(scratch, { recursive: true, force: true });
});

/** Opens the page with its choice of models. */
const choosing = (work) =>
  visit(
    browser,
    `${server.origin}/?backend=cpu`,
    async (page) => {
      await page.waitForSelector("#go", patience);
      await page.click("#model");
      await page.waitForSelector("dialog[open] .published", patience);
      await work(page);
    },
    { origins: [hub.origin, hub.cdn], forgive: /scheme|CORS/ },
  );

/** Takes a model by what is typed; says what became of it, and what was said before the download. */
async function take(page, text) {
  await page.type("#other-model", text);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => !document.querySelector("dialog"), patience);
  const before = await page.$eval("#start", (part) => part.textContent);
  assert.equal(hub.served.length, 0, "nothing is fetched before the visitor agrees");
  await page.click("#go");
  await page.waitForFunction(() => /ready|failed/.test(document.body.dataset.state), patience);
  const state = await page.$eval("body", (body) => body.dataset.state);
  const name = await page.$eval("#model", (button) => button.textContent);
  const failure = await page.$eval("#failure", (part) => part.textContent);
  return { before, state, name, failure };
}

test("the workers' policy names the hub's hosts, and only where they are allowed", async () => {
  const policy = async (origin) =>
    (await fetch(`${origin}/manifest.webmanifest`)).headers.get("content-security-policy");
  assert.match(await policy(server.origin), new RegExp(`${hub.origin} ${hub.cdn}; frame-ancestors`));
  const other = await serve(models.folder);
  assert.doesNotMatch(await policy(other.origin), new RegExp(hub.origin));
  assert.equal((await fetch(`${other.origin}/hub.json`)).status, 404);
  other.stop();
});

test("the list of published models says what they cost, and what fits", () =>
  choosing(async (page) => {
    await page.click(".published summary");
    await page.waitForFunction(
      () => /processor/.test(document.querySelector(".published [role=status]").textContent),
      patience,
    );
    const list = await page.$$eval(".published li", (entries) =>
      entries.map((entry) => [
        entry.textContent,
        [...entry.querySelectorAll("button")].map((b) => b.disabled),
      ]),
    );
    const [granite] = list.find(([text]) => text.startsWith("granite-4.0-h-350m"));
    assert.match(granite, /340M parameters · Apache-2.0 · context 32,768 tokens/);
    assert.match(granite, /22\.6 MB, and 4 KB for every token/);
    assert.match(granite, /4 bits, 19\d\.\d MB16 bits, 68\d\.\d MB/);
    const [large, disabled] = list.find(([text]) => text.startsWith("falcon-mamba-7b-instruct"));
    assert.match(large, /At 16 bits it needs 14\.\d GB, more than this machine has free/);
    assert.deepEqual(disabled, [true]);
    for (const width of [390, 1280]) {
      await page.setViewport({ width, height: 800 });
      await narrowEnough(page, width);
    }
    await accessible(page);
    assert.equal(hub.served.length, 0);
  }));

for (const [what, text, name] of [
  ["a folder that MLX packed, by its name", "org/granite-4bit", /granite-4bit/],
  ["a folder as it was published, by its page", "jamba", /jamba/],
])
  test(what, () =>
    choosing(async (page) => {
      hub.served.length = 0;
      const answer = await take(page, text === "jamba" ? `${hub.origin}/org/jamba/tree/main` : text);
      assert.equal(answer.state, "ready", answer.failure);
      assert.match(answer.name, name);
      assert.match(answer.before, new RegExp(`It comes from ${new URL(hub.origin).host}, which sees`));
      assert.ok(hub.served.includes("model.safetensors"));
    }),
  );

test("a published folder that is packed while it loads is kept packed, and its weights are not fetched again", () =>
  visit(
    browser,
    `${server.origin}/?backend=cpu&model=${encodeURIComponent(`${hub.origin}/org/granite/resolve/main/#bits=4`)}`,
    async (page) => {
      await page.waitForSelector("#go", patience);
      assert.match(await text(page, "#start"), /It is packed to 4 bits as it comes, and kept so/);
      hub.served.length = 0;
      for (const weights of [true, false]) {
        await ready(page);
        assert.equal(hub.served.includes("model.safetensors"), weights, hub.served.join(", "));
        hub.served.length = 0;
        await page.click("#model");
        const facts = await page.waitForSelector("dialog[open] .facts", patience);
        assert.match(await facts.evaluate((list) => list.textContent), /4.bits/);
        const about = await facts.evaluate((list) => list.closest("li").textContent);
        assert.match(about, /packed to 4 bits here[\d.]+ KB are here/);
        if (weights) await page.reload();
      }
    },
    { origins: [hub.origin, hub.cdn] },
  ));

for (const [what, redirect, text, sentence] of [
  ["a name that the hub does not have", undefined, "org/nothing", /config\.json is missing/],
  ["a config.json of megabytes", undefined, "org/huge", /config\.json has \d+ bytes, want at most 4194304/],
  ["a redirect to another scheme", () => "javascript:alert(1)", "org/jamba", /forbids it to read from/],
])
  test(`${what} is said in one sentence`, () =>
    choosing(async (page) => {
      hub.served.length = 0;
      astray = redirect ?? ((_name, to) => to);
      try {
        const { state, failure } = await take(page, text);
        assert.equal(state, "failed");
        assert.match(failure, sentence);
      } finally {
        astray = (_name, to) => to;
      }
    }));

test("the search finds models that run here, by keyboard alone, and bounds what a hub answers", () =>
  choosing(async (page) => {
    const said = (pattern) =>
      page.waitForFunction(
        (source) => new RegExp(source).test(document.querySelector(".model-dialog").textContent),
        patience,
        pattern,
      );
    const field = await page.$("#hub-search");
    assert.equal(hub.searched.length, 0, "nothing is asked before something is written");
    answers = (_text, list) => [...list, { id: "org/other", config: { model_type: "llama" } }];
    try {
      await field.type("granite-4bit");
      await said("1 model that runs here; 1 more is of a family that does not");
      assert.deepEqual(hub.searched, ["granite-4bit"], "one question for a word, once it is written");
      await said("org/granite-4bit\\d+ KB · apache-2\\.0");
      await accessible(page);
      await page.setViewport({ width: 390, height: 800 });
      await narrowEnough(page, 390);
      for (const [answer, sentence] of [
        ["<html>", "answers something else than a list of models"],
        [`[${" ".repeat(5 << 20)}]`, "answers more than 4 MB"],
      ]) {
        answers = () => answer;
        await field.press("Enter");
        await said(sentence);
      }
      answers = (_text, list) => list;
      await field.press("Enter");
      await said("1 model that runs here\\.");
    } finally {
      answers = (_text, list) => list;
    }
    hub.served.length = 0;
    await page.keyboard.press("Tab");
    assert.match(await page.evaluate(() => document.activeElement.ariaLabel), /org\/granite-4bit/);
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => !document.querySelector("dialog"), patience);
    assert.match(await page.$eval("#model", (button) => button.textContent), /granite-4bit/);
    assert.equal(hub.served.length, 0, "nothing is fetched before the visitor agrees");
  }));
