/** A model from the visitor's own disk. Firefox's driver picks no folders: what loads them is the same there. */
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { patience } from "./page.mjs";
import { launch, modelsFolder, serve } from "./site.mjs";
import { writeTinyModel } from "./tiny-model.mjs";

const models = modelsFolder();
let server;
let browser;
before(async () => {
  server = await serve(models.folder);
  browser = await launch("chromium");
});
after(async () => {
  await browser?.close();
  server?.stop();
  models.remove();
});

async function pick(folder) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(patience.timeout);
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(server.origin);
  await page.click("#model");
  const input = await page.waitForSelector('dialog input[type="file"]');
  await input.uploadFile(folder);
  await page.waitForFunction(() => /ready|failed/.test(document.body.dataset.state), patience);
  const state = await page.$eval("body", (body) => body.dataset.state);
  const said = await page.evaluate(() => document.getElementById("failure").textContent);
  const name = await page.$eval("#model", (button) => button.textContent);
  await context.close();
  assert.ok(!asked.some((url) => url.endsWith(".safetensors")), "the weights are read from the disk");
  return { state, said, name };
}

test("a folder that is picked loads without a server", async () => {
  const folder = join(models.folder, "..", `picked-${process.pid}`);
  writeTinyModel(folder);
  try {
    const { state, said, name } = await pick(folder);
    assert.equal(state, "ready", said);
    assert.match(name, /picked-/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what is wrong with a picked folder is said", async () => {
  const folder = join(models.folder, "..", `spoilt-${process.pid}`);
  const shards = writeTinyModel(folder);
  try {
    const file = join(folder, shards[1]);
    const data = readFileSync(file);
    data[data.length - 1] ^= 1;
    writeFileSync(file, data);
    const damaged = await pick(folder);
    assert.equal(damaged.state, "failed");
    assert.match(damaged.said, /model-00002-of-00003\.safetensors.*this copy is broken/);
    rmSync(file);
    const missing = await pick(folder);
    assert.match(
      missing.said,
      /model-00002-of-00003\.safetensors is missing from the files that were picked/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
