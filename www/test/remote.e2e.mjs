/** A server answers where the visitor's machine does not, and the page says so. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { accessible, finished, longer, ready, send, text, visit } from "./page.mjs";
import { browsers, launch, modelsFolder, serve } from "./site.mjs";

const models = modelsFolder();
let server;
const site = createServer((_, response) => {
  response.writeHead(200, {
    "content-type": "text/html",
    "content-security-policy": `default-src 'self'; script-src ${server.origin}; connect-src ${server.origin} ${server.origin.replace("http", "ws")}`,
  });
  response.end(`<!doctype html><html lang="en"><title>Somebody's site</title><main><h1>Somebody's site</h1>
    <samba-chat backend="remote" remote="${server.origin}/engine"></samba-chat></main>
    <script type="module" src="${server.origin}/samba-widget.js" crossorigin></script>`);
});
const address = () => `http://127.0.0.1:${site.address().port}`;
before(async () => {
  await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
  // The page's own model is missing; the server has one that works.
  mkdirSync(join(models.folder, "nothing"));
  server = await serve(
    models.folder,
    "--engine",
    join(models.folder, "default"),
    "--backend",
    "cpu",
    "--origins",
    address(),
  );
});
after(() => {
  site.closeAllConnections();
  site.close();
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

    test("another site's page asks by the widget, if the server's owner lets it", async () => {
      await visit(
        browser,
        `${address()}/`,
        async (page) => {
          await page.waitForFunction(() => document.querySelector("samba-chat").shadowRoot);
          const { host } = new URL(server.origin);
          const shown = (work) => page.evaluate(`(${work})(document.querySelector("samba-chat").shadowRoot)`);
          assert.match(
            await shown((root) => root.querySelector("slot").textContent),
            new RegExp(`^The server ${host} answers`),
          );
          const answer = await page.evaluate(() => {
            const chat = document.querySelector("samba-chat");
            setTimeout(() => chat.stop(), 5000);
            return chat.ask("hello");
          });
          assert.ok(JSON.stringify(answer).length > 20);
          assert.match(
            await shown((root) => root.querySelector(".where summary").textContent),
            new RegExp(`^Answered by ${host} `),
          );
        },
        { origins: [server.origin] },
      );
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
