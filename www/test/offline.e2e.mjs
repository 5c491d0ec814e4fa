/** The page as something installed: without a network, renewed, handed text by other programs. In stock browsers. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { accessible, exchange, narrowEnough, patience, ready, text, visit } from "./page.mjs";
import { browsers, door, launch, modelsFolder, serve } from "./site.mjs";

const models = modelsFolder();
let server;
before(async () => {
  server = await serve(models.folder);
});
after(() => {
  server?.stop();
  models.remove();
});

/** The server behind a door that can be shut, and that can say that a new version is there. */
async function renewable() {
  let version = "";
  const gate = await door(server, (url, body) =>
    url === "/sw.js" && version
      ? Buffer.from(body.toString().replace(/\b[0-9a-f]{16} /, `${version}$&`))
      : body,
  );
  return {
    ...gate,
    renew: (name) => {
      version = name;
    },
  };
}

const kept = (page) =>
  page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (!navigator.serviceWorker.controller)
      await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve));
  });

for (const name of browsers) {
  describe(name, () => {
    let browser;
    before(async () => {
      browser = await launch(name);
    });
    after(() => browser?.close());

    test("documentation that was visited opens without a network", async () => {
      const gate = await renewable();
      await visit(browser, gate.origin, async (page) => {
        await page.waitForFunction(() => document.body?.dataset.state, patience);
        await kept(page);
        const address = `${gate.origin}/docs/json.html`;
        await page.goto(address);
        await page.waitForFunction(
          async (files) => {
            for (const file of files) if (!(await caches.match(file))) return false;
            return true;
          },
          patience,
          [address, `${gate.origin}/docs/docs.css`],
        );
        await accessible(page);
        await page.setViewport({ width: 390, height: 800 });
        await narrowEnough(page, 390);
        await gate.stop();
        await page.goto(`${address}?again#json`);
        assert.equal(await text(page, "h1"), "JSON");
        await assert.rejects(page.goto(`${gate.origin}/docs/tools.html`));
        await page.goto(gate.origin);
        assert.equal(await text(page, "#docs"), "Documentation");
      });
    });

    test("in aeroplane mode the page opens, loads its model and answers", async () => {
      const gate = await renewable();
      await visit(browser, gate.origin, async (page) => {
        await ready(page);
        await kept(page);
        await exchange(page, "while there is a network");
        await gate.stop();
        await assert.rejects(fetch(gate.origin));
        await page.reload();
        await ready(page);
        assert.equal(await text(page, ".bubble"), "while there is a network");
        await exchange(page, "and without one", 2);
        await page.goto(`${gate.origin}/?share-text=shared%20later`);
        await ready(page);
        assert.equal(await page.$eval("#prompt", (e) => e.value), "shared later");
        await page.goto(`${gate.origin}/lab.html`);
        assert.match(await page.title(), /Samba/);
      });
    });

    test("a new version is offered, and comes when the visitor agrees", async () => {
      const gate = await renewable();
      try {
        await visit(browser, gate.origin, async (page) => {
          await page.waitForSelector("#go");
          await kept(page);
          assert.equal(await page.$eval("#notice", (e) => e.hidden), true);
          gate.renew("next-");
          await page.reload();
          await page.waitForSelector("#notice:not([hidden])", patience);
          assert.match(await text(page, "#notice"), /new version/);
          await accessible(page);
          await Promise.all([page.waitForNavigation(), page.click("#notice .quiet")]);
          await page.waitForSelector("#go");
          await page.waitForFunction(async () => {
            const shells = (await caches.keys()).filter((name) => name.startsWith("samba-shell-"));
            return shells.length === 1 && shells[0].startsWith("samba-shell-next-");
          }, patience);
          assert.equal(await page.$eval("#notice", (e) => e.hidden), true);
        });
      } finally {
        await gate.stop();
      }
    });

    // Hosts of single-page sites answer so for a file that is not there yet, or no more.
    test("a page in a script's place is not kept, and a version that has kept one is replaced", async () => {
      const page = await (await fetch(server.origin)).text();
      const files = (await (await fetch(`${server.origin}/sw.js`)).text()).match(/assets\/[\w.-]+/g);
      const before = `const shell = ${JSON.stringify(["./", ...new Set(files)])}.map((path) => new URL(path, location).href);
        const fill = async () => (await caches.open("samba-shell-before")).addAll(shell);
        addEventListener("install", (event) => { skipWaiting(); event.waitUntil(fill()); });
        addEventListener("activate", (event) => event.waitUntil(clients.claim()));
        addEventListener("fetch", (event) => {
          if (shell.includes(event.request.url)) event.respondWith(caches.match(event.request.url));
        });`;
      let crooked = true;
      let old = false;
      let asked = 0;
      const gate = await door(server, (url, body) => {
        if (crooked && url.startsWith("/assets/worker-")) {
          asked++; // past the cache, too
          return { body: Buffer.from(page), type: "text/html" };
        }
        if (old && url === "/sw.js") return Buffer.from(before);
        return body;
      });
      try {
        await visit(
          browser,
          gate.origin,
          async (tab) => {
            for (const end = Date.now() + patience.timeout; asked < 2 && Date.now() < end; )
              await new Promise((resolve) => setTimeout(resolve, 50));
            await tab.waitForFunction(
              async () => !(await navigator.serviceWorker.getRegistration()),
              patience,
            );
            // The version before took it.
            old = true;
            await tab.reload();
            await kept(tab);
            let opened = 0;
            tab.on("framenavigated", () => opened++);
            crooked = old = false;
            await tab.reload();
            // The page that cannot start is opened again by the version that heals it: meanwhile nothing can be asked of it.
            const stays = () => tab.evaluate(() => caches.has("samba-shell-before")).catch(() => true);
            for (const end = Date.now() + 2 * patience.timeout; opened < 2 || (await stays()); ) {
              assert.ok(Date.now() < end, `opened ${opened} times, and not healed`);
              await new Promise((resolve) => setTimeout(resolve, 100));
            }
            await ready(tab);
          },
          { forgive: /./ },
        );
      } finally {
        await gate.stop();
      }
    });

    test("text that another program shares waits in the field, and not in the address", () =>
      visit(
        browser,
        `${server.origin}/?share-title=A%20page&share-text=%3Cb%3Ebold%3C/b%3E&share-url=https://example.org/&backend=cpu`,
        async (page) => {
          await page.waitForSelector("#go");
          const value = await page.$eval("#prompt", (e) => e.value);
          assert.equal(value, "A page\n\n<b>bold</b>\n\nhttps://example.org/");
          assert.equal(new URL(page.url()).search, "?backend=cpu");
        },
      ));
  });
}

describe("the manifest", () => {
  test("names pictures that are there, in the sizes that it says", async () => {
    const address = `${server.origin}/manifest.webmanifest`;
    const response = await fetch(address);
    assert.match(response.headers.get("content-type"), /application\/manifest\+json/);
    const manifest = await response.json();
    const pictures = [...manifest.icons, ...manifest.screenshots];
    assert.ok(manifest.icons.some(({ purpose }) => purpose === "maskable"));
    for (const { src, sizes, type } of pictures) {
      const picture = await fetch(new URL(src, address));
      assert.equal(picture.status, 200, src);
      assert.equal(picture.headers.get("content-type"), type);
      if (type !== "image/png") continue;
      const png = Buffer.from(await picture.arrayBuffer());
      assert.equal(`${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`, sizes, src);
    }
  });

  test("Chromium finds nothing in the way of installing", async () => {
    const browser = await launch("chromium");
    try {
      await visit(browser, server.origin, async (page) => {
        await kept(page);
        const devtools = await page.createCDPSession();
        const { errors } = await devtools.send("Page.getAppManifest");
        assert.deepEqual(errors, []);
        const { installabilityErrors } = await devtools.send("Page.getInstallabilityErrors");
        // A profile of a test counts as a private window.
        assert.deepEqual(
          installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== "in-incognito"),
          [],
        );
      });
    } finally {
      await browser.close();
    }
  });
});
