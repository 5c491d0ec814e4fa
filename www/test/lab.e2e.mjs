/** The lab page, end to end: measures the tiny model, shows plots and a table, and can be cancelled. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { accessible, patience } from "./page.mjs";
import { browsers, launch, modelsFolder, serve } from "./site.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let models;
let server;
let browser;

before(async () => {
  models = modelsFolder();
  server = await serve(models.folder);
  browser = await launch("chromium");
});
after(async () => {
  await browser?.close();
  server?.stop();
  models?.remove();
});

/** The lab with one more choice: a context that a software GPU gets through in seconds. */
async function open() {
  const page = await browser.newPage();
  page.setDefaultTimeout(patience.timeout);
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(`${server.origin}/lab.html?backend=webgpu`);
  await page.waitForSelector("body[data-state=idle]");
  await page.evaluate(() => {
    const choice = document.querySelector("#longest");
    choice.add(new Option("512 tokens", "512"));
    choice.value = "512";
  });
  return { page, errors };
}

test("measures, and shows the figures to everybody", { timeout: 600_000 }, async () => {
  const { page, errors } = await open();
  await page.click("#start");
  await page.waitForSelector("body[data-state=running]");
  await page.waitForSelector("body[data-state=idle]", patience);
  const rows = await page.$$eval("#rows tr", (all) =>
    all.map((row) => [...row.children].map((cell) => cell.textContent)),
  );
  assert.deepEqual(
    rows.map((row) => row[0]),
    ["256", "512"],
  );
  for (const row of rows)
    for (const figure of row.slice(1)) assert.ok(Number.parseFloat(figure) > 0, `${row} lacks a figure`);
  assert.equal(new Set(rows.map((row) => row[4])).size, 1, "memory depends on the context");
  assert.match(await page.$eval("#ceiling", (e) => e.textContent), /only|nothing but read/);
  assert.match(await page.$eval("#status", (e) => e.textContent), /2 lengths/);
  assert.equal(await page.$$eval(".plot canvas", (all) => all.length), 2);
  const painted = await page.$eval("#decode canvas", (c) =>
    c
      .getContext("2d")
      .getImageData(0, 0, c.width, c.height)
      .data.some((v) => v > 0),
  );
  assert.ok(painted, "the plot is empty");
  await page.evaluate(axe);
  const { violations } = await page.evaluate("axe.run()");
  assert.deepEqual(
    violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`),
    [],
  );
  assert.deepEqual(errors, []);
  await page.close();
});

test("can be cancelled, and says what is wrong", { timeout: 600_000 }, async () => {
  const { page } = await open();
  await page.select("#longest", "32768");
  await page.click("#start");
  await page.waitForFunction(() => document.querySelector("#phase").textContent.startsWith("Measuring"), {
    timeout: patience.timeout,
  });
  await page.keyboard.press("Escape");
  await page.waitForSelector("body[data-state=idle]", patience);
  assert.match(await page.$eval("#status", (e) => e.textContent), /^Cancelled/);
  assert.equal(await page.$eval("#failure", (e) => e.hidden), true);
  await page.goto(`${server.origin}/lab.html?backend=webgpu&model=models/nowhere/`);
  await page.click("#start");
  await page.waitForSelector("#failure:not([hidden])", patience);
  assert.match(await page.$eval("#failure", (e) => e.textContent), /config\.json/);
  await page.close();
});

for (const name of browsers) {
  test(`${name}: hides a key in a book, asks for it, and shows what that took`, {
    timeout: 600_000,
  }, async () => {
    const own = await launch(name);
    try {
      const page = await own.newPage();
      page.setDefaultTimeout(patience.timeout);
      const errors = [];
      page.on("pageerror", (error) => errors.push(String(error)));
      await page.goto(`${server.origin}/lab.html?backend=webgpu`);
      await page.waitForSelector("body[data-state=idle]");
      await page.evaluate(() => {
        const choice = document.querySelector("#memory-longest");
        choice.add(new Option("512 tokens", "512"));
        choice.value = "512";
      });
      await page.select("#memory-depth", "0.5");
      await page.click("#memory-start");
      await page.waitForSelector("body[data-state=running]");
      assert.equal(await page.$eval("#start", (e) => e.disabled), true, "two experiments at once");
      await page.waitForSelector("body[data-state=idle]", patience);
      assert.equal(await page.$eval("#memory-failure", (e) => e.textContent), "");
      assert.match(await page.$eval("#status", (e) => e.textContent), /^Done: \d of 2 keys found/);
      const rows = await page.$$eval("#memory-rows tr", (all) =>
        all.map((row) => [...row.children].map((cell) => cell.textContent)),
      );
      assert.deepEqual(
        rows.map(([length, found]) => [length, /^[01] of 1$/.test(found)]),
        [
          ["256", true],
          ["512", true],
        ],
      );
      // 4 layers, keys and values, 1 head of 32, 2 bytes: twice the text, twice the cache; the state stays.
      assert.deepEqual(
        rows.map((row) => row[3]),
        ["131 KB", "262 KB"],
      );
      assert.equal(new Set(rows.map((row) => row[2])).size, 1, "memory depends on the context");
      for (const row of rows) assert.ok(Number.parseFloat(row[4]) > 0, `${row} lacks a speed`);
      assert.match(await page.$eval("#memory-formula", (e) => e.textContent), /^Computed, not measured/);
      assert.equal(await page.$$eval("#memory-results canvas", (all) => all.length), 3);
      await accessible(page);
      // A book that is none is refused in one sentence; the sample stays.
      // A visitor's hand has just been at the choice: without one Firefox opens no file chooser.
      await page.click("#memory-formula");
      const [chooser] = await Promise.all([page.waitForFileChooser(), page.select("#memory-book", "own")]);
      const pdf = join(models.folder, "book.txt");
      writeFileSync(pdf, "%PDF-1.7 and so on");
      await chooser.accept([pdf]);
      await page.waitForSelector("#memory-failure:not([hidden])");
      assert.match(await page.$eval("#memory-failure", (e) => e.textContent), /^book\.txt is a PDF: /);
      assert.equal(await page.$eval("#memory-book", (e) => e.value), "sample");
      assert.deepEqual(errors, []);
    } finally {
      await own.close();
    }
  });
}
