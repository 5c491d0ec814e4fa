/**
 * Renders icon.svg for systems that want pixels; run it after changing the drawing:
 *
 *     node icons/render.mjs
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launch } from "../test/site.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const svg = readFileSync(here("icon.svg"), "utf8");
const browser = await launch("chromium");
const page = await browser.newPage();
for (const [name, size, share, ground] of [
  ["icon-192.png", 192, 1, "transparent"],
  ["icon-512.png", 512, 1, "transparent"],
  // Systems cut these into their own shape: the ground goes to the edge, the drawing stays in the middle.
  ["maskable-512.png", 512, 0.8, "#c2410c"],
  ["touch-180.png", 180, 1, "#c2410c"],
]) {
  await page.setViewport({ width: size, height: size });
  const style = `margin:0;display:grid;place-items:center;height:100vh;background:${ground}`;
  await page.setContent(`<body style="${style}">${svg.replace("<svg ", `<svg width="${size * share}" `)}`);
  await page.screenshot({ path: here(name), omitBackground: ground === "transparent" });
}
await browser.close();
