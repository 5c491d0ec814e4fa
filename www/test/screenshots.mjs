/**
 * Pictures of the page in every state, to be looked at:
 *
 *     node test/screenshots.mjs [FOLDER-OF-MODELS]     → www/.screenshots/
 */
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { launch, modelsFolder, serve } from "./site.mjs";

const models = process.argv[2] ? { folder: process.argv[2], remove() {} } : modelsFolder();
const out = fileURLToPath(new URL("../.screenshots/", import.meta.url));
mkdirSync(out, { recursive: true });

const server = await serve(models.folder);
/** Passes everything on, weights no further than a third, so that the page stays at loading. */
const slow = createServer(async (request, response) => {
  const answer = await fetch(server.origin + request.url, { headers: { "accept-encoding": "identity" } });
  const body = Buffer.from(await answer.arrayBuffer());
  const headers = Object.fromEntries(answer.headers);
  response.writeHead(answer.status, { ...headers, "content-length": body.length });
  if (!request.url.endsWith(".safetensors")) response.end(body);
  else if (request.url.includes("00001-of") && !request.url.includes("of-00001")) response.end(body);
  else response.write(body.subarray(0, body.length / 3));
});
await new Promise((resolve) => slow.listen(0, "127.0.0.1", resolve));
const slowOrigin = `http://127.0.0.1:${slow.address().port}`;

const browser = await launch("chromium");
for (const [screen, width, height] of [
  ["phone", 390, 844],
  ["desktop", 1280, 800],
]) {
  for (const scheme of ["light", "dark"]) {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    await page.setViewport({ width, height, deviceScaleFactor: 1 });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    const shot = (state) => page.screenshot({ path: `${out}${state}-${screen}-${scheme}.png` });

    await page.goto(slowOrigin);
    await page.waitForFunction(() => document.querySelector("#bytes").textContent, { timeout: 60_000 });
    await new Promise((resolve) => setTimeout(resolve, 700));
    await shot("loading");
    await page.goto(`${server.origin}/?model=models/nowhere/`);
    await page.waitForSelector(".failure:not([hidden])");
    await shot("error");
    await page.goto(server.origin);
    await page.waitForFunction(() => document.body.dataset.state === "ready", { timeout: 120_000 });
    await shot("empty");
    await page.type("#prompt", "Tell me a story about a lighthouse keeper and a lost whale.");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector(".answer")?.textContent.length > 100, {
      timeout: 120_000,
    });
    await shot("answer");
    await page.keyboard.press("Escape");
    await page.waitForSelector(".finished", { timeout: 60_000 });
    await shot("done");
    await context.close();
  }
}
await browser.close();
slow.closeAllConnections();
slow.close();
server.stop();
models.remove();
