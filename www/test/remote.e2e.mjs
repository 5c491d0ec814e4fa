/** A server answers where the visitor's machine does not, and the page says so. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { accessible, finished, longer, ready, send, text, visit } from "./page.mjs";
import { browsers, launch, modelsFolder, serve } from "./site.mjs";

const models = modelsFolder();
let server;
before(async () => {
  // The page's own model is missing; the server has one that works.
  mkdirSync(join(models.folder, "nothing"));
  server = await serve(models.folder, "--engine", join(models.folder, "default"), "--backend", "cpu");
});
after(() => {
  server?.stop();
  models.remove();
});

for (const name of browsers) {
  describe(name, () => {
    let browser;
    before(async () => {
      browser = await launch(name, { webgpu: false });
    });
    after(() => browser?.close());

    test("a model that cannot be had here is answered for by the page's server", async () => {
      const { host } = new URL(server.origin);
      const nothing = encodeURIComponent(`${server.origin}/models/nothing/`);
      await visit(browser, `${server.origin}/?backend=auto&model=${nothing}`, async (page) => {
        await ready(page);
        assert.match(
          await text(page, "#notice p"),
          new RegExp(`^The server ${host} answers: what you write leaves`),
        );
        assert.match(await text(page, "#lead"), /what you type goes there/);
        await accessible(page);
        await send(page, "hello");
        await longer(page, 20);
        await page.keyboard.press("Escape");
        await finished(page);
        assert.match(await text(page, "#figures"), new RegExp(`answered by ${host} `));
      });
    });

    test("an answer goes on after its connection is cut", async () => {
      await visit(browser, `${server.origin}/?backend=remote`, async (page) => {
        await ready(page);
        // The first two connections are cut in the middle of the answer.
        await page.evaluate(() => {
          const { send } = WebSocket.prototype;
          const cut = new Set();
          globalThis.cuts = 0;
          WebSocket.prototype.send = function (data) {
            if (!cut.has(this) && cut.size < 2) {
              cut.add(this);
              let heard = 0;
              this.addEventListener("message", ({ data }) => {
                if (JSON.parse(data).type !== "text" || ++heard !== 5) return;
                globalThis.cuts++;
                this.close();
              });
            }
            return send.call(this, data);
          };
        });
        await send(page, "hello");
        await longer(page, 100);
        assert.equal(await page.evaluate(() => globalThis.cuts), 2);
        await page.keyboard.press("Escape");
        await finished(page);
      });
    });
  });
}
