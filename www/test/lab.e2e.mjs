/** The lab page, end to end: measures the tiny model, shows plots and a table, and can be cancelled. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { launch, modelsFolder, serve } from "./site.mjs";

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
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(`${server.origin}/lab.html`);
  await page.waitForSelector("body[data-state=idle]");
  await page.evaluate(() => {
    const choice = document.querySelector("#longest");
    choice.add(new Option("512 tokens", "512"));
    choice.value = "512";
  });
  return { page, errors };
}

test("measures, and shows the figures to everybody", { timeout: 120_000 }, async () => {
  const { page, errors } = await open();
  await page.click("#start");
  await page.waitForSelector("body[data-state=running]");
  await page.waitForSelector("body[data-state=idle]", { timeout: 100_000 });
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

test("can be cancelled, and says what is wrong", { timeout: 60_000 }, async () => {
  const { page } = await open();
  await page.select("#longest", "32768");
  await page.click("#start");
  await page.waitForFunction(() => document.querySelector("#phase").textContent.startsWith("Measuring"), {
    timeout: 40_000,
  });
  await page.keyboard.press("Escape");
  await page.waitForSelector("body[data-state=idle]", { timeout: 20_000 });
  assert.match(await page.$eval("#status", (e) => e.textContent), /^Cancelled/);
  assert.equal(await page.$eval("#failure", (e) => e.hidden), true);
  await page.goto(`${server.origin}/lab.html?model=models/nowhere/`);
  await page.click("#start");
  await page.waitForSelector("#failure:not([hidden])", { timeout: 20_000 });
  assert.match(await page.$eval("#failure", (e) => e.textContent), /config\.json/);
  await page.close();
});
