/** What a visitor does on the chat page, for the end-to-end tests. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
export const patience = { timeout: 180_000 };

/**
 * The address of a page that is to compute on WebGPU in Firefox, and on the processor in Chromium, whose software GPU
 * compiles for a minute what Firefox's compiles in seconds: there a test asks for WebGPU where that is what it tests.
 */
async function computing(browser, address) {
  const url = new URL(address);
  const backend = /firefox/i.test(await browser.version()) ? "webgpu" : "cpu";
  if (!url.searchParams.has("backend")) url.searchParams.set("backend", backend);
  return url.href;
}

/**
 * Opens an address in a profile of its own. Every request must go to one of the
 * origins given (by default the address's own), and no script may fail or break
 * the page's policy. What is to be prepared runs in the page before its own scripts.
 */
export async function visit(browser, address, work, { origins = [], forgive, permissions, prepare } = {}) {
  const context = await browser.createBrowserContext();
  const { origin } = new URL(address);
  if (permissions) await context.overridePermissions(origin, permissions);
  const page = await context.newPage();
  page.setDefaultTimeout(patience.timeout);
  const faults = [];
  watch(page, faults, [origin, ...origins], forgive);
  if (prepare) await page.evaluateOnNewDocument(prepare);
  try {
    await page.goto(await computing(browser, address));
    await work(page, context);
    assert.deepEqual(faults, []);
  } finally {
    await context.close();
  }
}

/** Notes what a page must not do. */
export function watch(page, faults, origins, forgive) {
  page.on("pageerror", (error) => {
    if (!forgive?.test(error.message)) faults.push(error.message);
  });
  page.on("console", (message) => {
    const text = message.text();
    if (/Content.Security.Policy|Trusted ?Types?|integrity/i.test(text) && !forgive?.test(text))
      faults.push(text);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && !origins.includes(url.origin)) faults.push(`request to ${url}`);
  });
}

/** Waits until the model is loaded; a visitor who is asked before the download agrees. */
export async function ready(page) {
  await page.waitForFunction(() => document.body?.dataset.state, patience);
  if ((await state(page)) === "asleep") await page.click("#go");
  await page.waitForFunction(() => ["ready", "failed"].includes(document.body.dataset.state), patience);
  assert.equal(await state(page), "ready", await text(page, "#failure"));
}

export const state = (page) => page.evaluate(() => document.body.dataset.state);
export const text = (page, selector) => page.$eval(selector, (e) => e.textContent);
export const texts = (page, selector) => page.$$eval(selector, (all) => all.map((e) => e.textContent));

export async function send(page, message) {
  await page.type("#prompt", message);
  await page.keyboard.press("Enter");
}

/** Waits until the last answer has more than n characters. */
export const longer = (page, n) =>
  page.waitForFunction(
    (n) => ([...document.querySelectorAll(".answer")].at(-1)?.textContent.length ?? 0) > n,
    patience,
    n,
  );

/** Stops an answer once it is longer than this, from within the page: a small model may have ended before a click comes. */
export const stopAt = (page, n) =>
  page.waitForFunction(
    (n) => {
      const long = ([...document.querySelectorAll(".answer")].at(-1)?.textContent.length ?? 0) > n;
      if (long) document.getElementById("send").click();
      return long;
    },
    patience,
    n,
  );

/** Waits until this many answers are shown and none is being written. */
export const finished = (page, answers = 1) =>
  page.waitForFunction(
    (n) => document.querySelectorAll(".assistant.finished:not(.writing)").length === n,
    patience,
    answers,
  );

/** Asks, waits for a bit of the answer and stops it. */
export async function exchange(page, message, answers = 1) {
  await send(page, message);
  await longer(page, 20);
  await page.keyboard.press("Escape");
  await finished(page, answers);
}

/** Presses keys together, the last one last: press(page, "Control", "k"). */
export async function press(page, ...keys) {
  for (const key of keys) await page.keyboard.down(key);
  for (const key of keys.reverse()) await page.keyboard.up(key);
}

/** No violation of WCAG 2.2 AA that axe-core finds. */
export async function accessible(page) {
  // As code of the test, not of the page: the page's policy forbids it to run strings.
  const violations = await page.evaluate(`(async () => {
    const module = {};
    ${axe};
    const { violations } = await (globalThis.axe ?? module.exports).run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    });
    return violations.map((v) => v.id + ": " + v.nodes.map((n) => n.html.slice(0, 120) + " " + n.failureSummary).join(" | "));
  })()`);
  assert.deepEqual(violations, []);
}

/** No wider than the window. */
export async function narrowEnough(page, width) {
  const wide = await page.evaluate(() =>
    Math.max(document.documentElement.scrollWidth, document.querySelector("main")?.scrollWidth ?? 0),
  );
  assert.ok(wide <= width, `the page is ${wide} pixels wide, want ${width}`);
}
