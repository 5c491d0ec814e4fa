/**
 * Every page in every state, on a phone and on a desktop, light and dark: accessible, never wider than the window,
 * never blank. The pictures stay in www/.screenshots/ to be looked at:
 *
 *     LOOKS=all node --test test/looks.e2e.mjs
 *
 * Without LOOKS=all they are a light desktop and a dark phone, which have all colours and all layouts.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { inflateSync } from "node:zlib";
import { accessible, finished, longer, narrowEnough, patience, press, ready, send, visit } from "./page.mjs";
import { browsers, launch, modelsFolder, serve } from "./site.mjs";

const out = fileURLToPath(new URL("../.screenshots/", import.meta.url));
const models = modelsFolder();
const folder = mkdtempSync(join(tmpdir(), "samba-looks-"));
let server;
let slow; // passes everything on, weights no further than a third: the page stays at loading
before(async () => {
  mkdirSync(out, { recursive: true });
  server = await serve(models.folder, "--hub");
  slow = createServer(async (request, response) => {
    const range = request.headers.range ? { range: request.headers.range } : {};
    const headers = { "accept-encoding": "identity", ...range };
    const answer = await fetch(server.origin + request.url, { headers });
    const body = Buffer.from(await answer.arrayBuffer());
    response.writeHead(answer.status, {
      ...Object.fromEntries(answer.headers),
      "content-length": body.length,
    });
    if (!request.url.endsWith(".safetensors") || body.length < 100) response.end(body);
    else response.write(body.subarray(0, body.length / 3));
  });
  await new Promise((resolve) => slow.listen(0, "127.0.0.1", resolve));
});
after(() => {
  slow?.closeAllConnections();
  slow?.close();
  server?.stop();
  models.remove();
  rmSync(folder, { recursive: true, force: true });
});

const rich = `A river is **water that found a way**. It has three parts:

1. the *source*, where rain and snow gather,
2. the course, which the land decides,
3. the mouth, where it meets the sea.

\`\`\`python
def course(height, rain):
    """Downhill, always."""
    while height > 0:
        height -= rain * 0.25  # a quarter of it runs off
    return "the sea"
\`\`\`

| river | length |
|---|---|
| Nile | 6,650 km |
| Amazon | 6,400 km |

> Nobody steps into the same one twice.`;

/** Conversations that need no engine: Markdown, a text from right to left, versions. */
function conversations() {
  const at = Date.now() - 3600e3;
  const turn = (id, parent, role, content, more = {}) => ({
    id,
    parent,
    role,
    content,
    at: at + Number(id),
    ...more,
  });
  const done = { finish: "stop", tokens: 164, rate: 412.5 };
  const river = [
    turn("1", null, "user", "What is a river, and where does its water come from?"),
    turn("2", "1", "assistant", "Water, in a hurry.", done),
    turn("3", "1", "assistant", rich, done),
    turn("4", "3", "user", "ما هو أطول نهر في العالم؟"),
    turn("5", "4", "assistant", "نهر النيل هو أطول نهر في العالم، ويبلغ طوله حوالي **6650** كيلومترًا.", {
      ...done,
      finish: "length",
    }),
  ];
  const other = [
    turn("1", null, "user", "A letter about the first snow"),
    turn("2", "1", "assistant", "Dear friend,", done),
  ];
  const one = (title, messages, days) => ({
    id: title,
    title,
    created: at,
    updated: at - days * 24 * 3600e3,
    head: messages.at(-1).id,
    system: "",
    sampling: {},
    messages,
  });
  const list = [
    one("A letter about the first snow, and what it covered in the end", other, 1),
    one("The keeper and the whale", other, 3),
    one("What is a river, and where does its water come from?", river, 0),
  ];
  const path = join(folder, "conversations.json");
  writeFileSync(path, JSON.stringify({ format: "samba-conversations", version: 1, conversations: list }));
  return path;
}

/** A text that takes a while to read. */
function book() {
  const path = join(folder, "The keeper of the light.txt");
  writeFileSync(path, "Once there was a keeper of a light, and the sea was deep. ".repeat(6000));
  return path;
}

/** The share of a picture's bytes that differ from their neighbours': next to none where nothing is drawn. */
function detail(png) {
  const parts = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") parts.push(png.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  const bytes = inflateSync(Buffer.concat(parts));
  let different = 0;
  for (const byte of bytes) if (byte > 4 && byte < 252) different++;
  return different / bytes.length;
}

for (const name of browsers) {
  describe(name, () => {
    let browser;
    before(async () => {
      browser = await launch(name);
    });
    after(() => browser?.close());

    const screens = [
      ["desktop", 1280, 800, "light"],
      ["phone", 390, 844, "dark"],
      ["desktop", 1280, 800, "dark"],
      ["phone", 390, 844, "light"],
    ].slice(0, process.env.LOOKS === "all" ? 4 : 2);
    for (const [screen, width, height, scheme] of screens) {
      test(`on a ${scheme} ${screen}`, () =>
        visit(
          browser,
          server.origin,
          async (page, context) => {
            const shown = page;
            const phone = screen === "phone";
            await page.setViewport({ width, height });
            if (name === "chromium")
              await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
            const look = async (state, page = shown) => {
              await new Promise((resolve) => setTimeout(resolve, 250)); // what moves has arrived
              const picture = Buffer.from(await page.screenshot());
              writeFileSync(`${out}${name}-${screen}-${scheme}-${state}.png`, picture);
              const share = detail(picture);
              assert.ok(share > 0.002, `${state} shows next to nothing: ${share}`);
              await narrowEnough(page, width);
              await accessible(page);
            };
            const leave = async () => {
              await page.keyboard.press("Escape");
              await page.waitForFunction(() => !document.querySelector("dialog, .menu"), patience);
            };
            await page.waitForFunction(() => /\d/.test(document.querySelector("#go")?.textContent), patience);
            await look("first");
            await ready(page);
            await look("ready");
            await send(page, "Tell me a story about a hedgehog and the moon.");
            await longer(page, 100);
            await look("answering");
            await page.keyboard.press("Escape");
            await finished(page, 1);

            if (phone) {
              await page.click("#show-side");
              await new Promise((resolve) => setTimeout(resolve, 300));
            }
            const [chooser] = await Promise.all([page.waitForFileChooser(), page.click("#import")]);
            await chooser.accept([conversations()]);
            await finished(page, 2);
            await page.waitForSelector(".hljs-keyword", patience);
            await page.click("#notice .icon-button");
            await look("conversation-end");
            await page.$eval("main", (main) => {
              main.scrollTop = 0;
            });
            await look("conversation");
            if (phone) {
              await page.click("#show-side");
              await look("side");
              await page.keyboard.press("Escape");
              await new Promise((resolve) => setTimeout(resolve, 300));
            }
            await page.click("#more");
            await page.waitForSelector(".menu");
            await look("menu");
            await leave();
            const second = await context.newPage();
            await second.setViewport({ width, height });
            await second.goto(page.url());
            if (name === "chromium")
              await second.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
            await second.waitForSelector("#elsewhere:not([hidden])", patience);
            await look("elsewhere", second);
            await second.close();
            const [texts] = await Promise.all([page.waitForFileChooser(), page.click("#attach")]);
            await texts.accept([book()]);
            // So far that the turns before it have been read, and some of the text.
            await page.waitForFunction(
              () => document.querySelector(".turn progress")?.position > 0.01,
              patience,
            );
            await look("reading");
            await page.click(".reading-row button");
            await page.waitForFunction(() => !document.querySelector(".reading-row"), patience);
            await (await page.waitForSelector(".text-file summary", patience)).click();
            await look("text");
            for (const [state, open] of [
              ["settings", () => page.click("#settings")],
              ["model", () => page.click("#model")],
              ["help", () => press(page, "Control", "/")],
            ]) {
              await open();
              await page.waitForSelector("dialog[open]", patience);
              await look(state);
              if (state === "model") {
                await page.click(".published summary");
                await page.waitForFunction(
                  () => !/…/.test(document.querySelector(".published [role=status]").textContent),
                  patience,
                );
                await look("published");
              }
              await leave();
            }
            await page.goto(`${server.origin}/?model=models/nowhere/`);
            await page.waitForSelector("#go");
            await page.click("#go");
            await page.waitForSelector(".failure:not([hidden])", patience);
            await look("failure");
            await page.goto(`${server.origin}/lab.html`);
            await look("lab");
            for (const example of ["", "inline.html", "floating.html", "themed.html", "several.html"]) {
              await page.goto(`${server.origin}/examples/${example}`);
              await look(`example-${example.replace(".html", "") || "index"}`);
              if (example !== "floating.html") continue;
              await page.locator("samba-chat >>> .launcher").click();
              await look("example-floating-open");
            }
            const { port } = slow.address();
            await page.goto(`http://127.0.0.1:${port}/`);
            await page.waitForSelector("#go");
            await page.click("#go");
            await page.waitForFunction(
              () => /\d/.test(document.querySelector("#bytes").textContent),
              patience,
            );
            await look("loading");
          },
          { origins: [`http://127.0.0.1:${slow.address().port}`] },
        ));
    }
  });
}
