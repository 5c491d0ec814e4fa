/** The widget on pages of other sites, under the strictest policy that its README allows. In stock browsers. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { accessible, narrowEnough, patience, visit } from "./page.mjs";
import { browsers, launch, modelsFolder, serve } from "./site.mjs";

const models = modelsFolder();
let server;
let pin;
let site; // somebody else's
let crooked; // serves the widget as it is, and something else for its other half
let broken; // true: nothing for it, false: it as it is
const examples = ["index", "inline", "floating", "themed", "several", "script"];

const listen = (handler) =>
  new Promise((resolve) => {
    const made = createServer(handler);
    made.listen(0, "127.0.0.1", () => resolve({ made, origin: `http://127.0.0.1:${made.address().port}` }));
  });

before(async () => {
  server = await serve(models.folder);
  pin = (await (await fetch(`${server.origin}/integrity.json`)).json())["samba-widget.js"];
  crooked = await listen(async (request, response) => {
    const answer = await fetch(server.origin + request.url, { headers: { "accept-encoding": "identity" } });
    let body = Buffer.from(await answer.arrayBuffer());
    const half = /assets\/engine-\w+\.js/.test(request.url);
    if (half && broken === undefined) body = Buffer.concat([body, Buffer.from("\nalert(1)")]);
    // It fails with the right bytes: of wrong ones Firefox speaks in the page's console, which visit() takes for a fault.
    response.writeHead(half && broken ? 503 : answer.status, {
      ...Object.fromEntries(answer.headers),
      "content-length": body.length,
    });
    response.end(body);
  });
  site = await listen((request, response) => {
    const { searchParams } = new URL(request.url, "http://x");
    const host = searchParams.has("crooked") ? crooked.origin : server.origin;
    const policy = [
      "default-src 'self'",
      `script-src 'self' ${host} 'wasm-unsafe-eval'`,
      `worker-src blob: ${host}`,
      `connect-src ${host}`,
      "require-trusted-types-for 'script'",
      "trusted-types samba dompurify",
    ];
    if (request.url === "/favicon.ico") return response.writeHead(404).end();
    response.writeHead(200, { "content-type": "text/html", "content-security-policy": policy.join("; ") });
    const hash = searchParams.has("wrong") ? pin.replace(/.{4}$/, "AAAA") : pin;
    response.end(`<!doctype html><html lang="en"><title>Somebody's site</title>
      <main><h1>Somebody's site</h1><p>With a chat.</p>
      ${searchParams.get("body") ?? ""}</main>
      <script type="module" src="${host}/samba-widget.js" integrity="${hash}" crossorigin></script>`);
  });
});
after(() => {
  for (const { made } of [site, crooked]) {
    made?.closeAllConnections();
    made?.close();
  }
  server?.stop();
  models.remove();
});

let backend; // of the browser that is tried: see page.mjs
const on = (body, more = "") =>
  `${site.origin}/?body=${encodeURIComponent(body.replaceAll("<samba-chat", `<samba-chat backend="${backend}"`))}${more}`;

/** A function of the page's first, or n-th, widget and its shadow. */
const inside = (page, work, n = 0, ...more) =>
  page.evaluate(
    `((chat, root, ...more) => (${work})(chat, root, ...more))(document.querySelectorAll("samba-chat")[${n}], document.querySelectorAll("samba-chat")[${n}].shadowRoot, ...${JSON.stringify(more)})`,
  );
const until = async (page, work, n = 0) => {
  for (
    const end = Date.now() + patience.timeout;
    Date.now() < end;
    await new Promise((r) => setTimeout(r, 50))
  )
    if (await inside(page, work, n)) return;
  assert.fail(`never: ${work}`);
};
const focused = (page) => inside(page, (_, root) => root.activeElement?.getAttribute("part") ?? "");

for (const name of browsers) {
  describe(name, () => {
    let browser;
    before(async () => {
      browser = await launch(name);
      backend = name === "firefox" ? "webgpu" : "cpu";
    });
    after(() => browser?.close());

    test("on another origin it is light until it is opened, then it answers", () =>
      visit(
        browser,
        on(`<samba-chat floating title="Ask us"></samba-chat>`),
        async (page) => {
          const asked = [];
          page.on("request", (request) => asked.push(new URL(request.url()).pathname));
          await page.reload();
          await page.waitForFunction(() => document.querySelector("samba-chat")?.shadowRoot, patience);
          await new Promise((resolve) => setTimeout(resolve, 300));
          assert.deepEqual(
            asked.filter((path) => path !== "/" && path !== "/favicon.ico"),
            ["/samba-widget.js"],
          );
          await accessible(page);

          await page.evaluate(() => {
            window.heard = [];
            for (const event of ["open", "ready", "message", "close", "error"])
              document.addEventListener(`samba-${event}`, ({ detail }) =>
                window.heard.push([event, detail?.role ?? detail?.message ?? ""].join(" ").trim()),
              );
          });
          await page.locator("samba-chat >>> .launcher").click();
          await until(page, (_, root) =>
            /downloads 1\.0 MB/.test(root.querySelector(".start button").textContent),
          );
          assert.equal(await focused(page), "start-button");
          await accessible(page);
          await page.keyboard.press("Enter");
          await until(page, (_, root) => root.activeElement?.localName === "textarea");
          await page.keyboard.type("the old ship");
          await page.keyboard.press("Enter");
          await until(page, (_, root) => root.querySelector(".answer")?.textContent.length > 20);
          await page.keyboard.press("Escape"); // stops, and does not close
          await until(page, (chat) => chat.messages.length === 2);
          assert.match(
            await inside(page, (_, root) => root.querySelector(".said").textContent),
            /^Samba answered: /,
          );
          await accessible(page);
          await page.keyboard.press("Escape");
          assert.equal(await inside(page, (chat) => chat.open), false);
          assert.equal(await focused(page), "launcher");
          assert.deepEqual(await page.evaluate(() => window.heard), [
            "open",
            "ready",
            "message user",
            "message assistant",
            "close",
          ]);
        },
        { origins: [server.origin] },
      ));

    test("several share one engine; methods ask, clear and give back", () =>
      visit(
        browser,
        on(`<samba-chat title="One"></samba-chat><samba-chat title="Two" system="Be brief."></samba-chat>`),
        async (page) => {
          let engines = 0;
          page.on("request", (request) => {
            if (request.url().endsWith(".wasm")) engines++;
          });
          await page.waitForFunction(() => document.querySelector("samba-chat")?.ask, patience);
          const answers = await page.evaluate(async () => {
            const chats = [...document.querySelectorAll("samba-chat")];
            const asked = chats.map((chat) => chat.ask("the sea"));
            await new Promise((resolve) => {
              let heard = 0;
              const stop = () => {
                for (const chat of chats)
                  if (chat.shadowRoot.querySelector(".answer")?.textContent.length > 5 && ++heard)
                    chat.stop();
                if (chats.every((chat) => chat.messages.length === 2)) resolve();
                else setTimeout(stop, 50);
              };
              stop();
            });
            return Promise.all(asked);
          });
          assert.ok(answers.every((answer) => answer.length > 5));
          assert.equal(engines, 1);
          await assert.rejects(
            page.evaluate(() => {
              const chat = document.querySelector("samba-chat");
              chat.ask("a").catch(() => {});
              return chat.ask("b").finally(() => chat.clear());
            }),
            /being written/,
          );
          assert.deepEqual(await inside(page, (chat) => chat.messages), []);
          await page.evaluate(() => {
            for (const chat of document.querySelectorAll("samba-chat")) chat.remove();
          });
        },
        { origins: [server.origin] },
      ));

    test("what could not be loaded is asked for again, and what is dropped meanwhile leaves no engine", async () => {
      broken = true;
      try {
        await visit(
          browser,
          on("<samba-chat></samba-chat>", "&crooked"),
          async (page) => {
            await page.waitForFunction(() => document.querySelector("samba-chat")?.ask, patience);
            const load = () => page.evaluate(() => document.querySelector("samba-chat").load());
            await assert.rejects(load(), /could not be loaded/);
            broken = false;
            await load(); // Firefox remembers what failed by its address
            await page.evaluate(async () => {
              document.querySelector("samba-chat").remove();
              const other = document.createElement("samba-chat");
              document.body.append(other);
              const loading = other.load();
              other.remove();
              await loading.catch(() => {});
            });
            const shown = await page.evaluate(async () => {
              const chat = document.createElement("samba-chat");
              document.body.append(chat);
              const first = chat.load().catch(() => "given up");
              const { model } = chat;
              chat.model = "elsewhere/";
              chat.model = model;
              const second = chat.load();
              const shown = [await first, chat.shadowRoot.querySelector(".loading").hidden];
              await Promise.all([second, chat.load()]);
              chat.remove();
              return shown;
            });
            assert.deepEqual(shown, ["given up", false], "what is given up hides nothing of what loads");
            for (
              const end = Date.now() + patience.timeout;
              page.workers().length > 0 && Date.now() < end;
              await new Promise((resolve) => setTimeout(resolve, 50))
            );
            assert.equal(page.workers().length, 0);
          },
          { origins: [crooked.origin], forgive: /elsewhere|error|preload/i },
        );
      } finally {
        broken = undefined; // for the tests that follow
      }
    });

    test("a conversation is kept where the page asks for it, until it is cleared; size and font are the page's", () =>
      visit(
        browser,
        on(`<samba-chat id="kept" keep="tab"></samba-chat><samba-chat></samba-chat>`),
        async (page) => {
          await page.waitForFunction(() => document.querySelector("samba-chat")?.ask, patience);
          assert.match(
            await inside(page, (chat) => {
              chat.style.setProperty("--samba-font", "monospace");
              chat.style.setProperty("--samba-font-size", "20px");
              const { fontFamily, fontSize } = getComputedStyle(chat);
              return `${fontFamily} ${fontSize}`;
            }),
            /^monospace 20px$/,
          );
          // Those who only touch see at once how much it is.
          if (await page.evaluate(() => matchMedia("(hover: none)").matches))
            await until(page, (_, root) =>
              /downloads 1\.0 MB/.test(root.querySelector(".start button").textContent),
            );
          await page.evaluate(async () => {
            const chat = document.querySelector("samba-chat");
            const asked = chat.ask("**the sea**");
            const stop = () =>
              chat.shadowRoot.querySelector(".answer")?.textContent.length > 5
                ? chat.stop()
                : setTimeout(stop, 50);
            stop();
            await asked;
          });
          const said = await inside(page, (chat) => chat.messages);
          await page.reload();
          await page.waitForFunction(() => document.querySelector("samba-chat")?.ask, patience);
          assert.deepEqual(await inside(page, (chat) => chat.messages), said);
          assert.deepEqual(await inside(page, (chat) => chat.messages, 1), []);
          const shown = await inside(page, (_, root) =>
            [...root.querySelectorAll(".question, .answer")].map((e) => e.textContent.length > 5),
          );
          assert.deepEqual(shown, [true, true]);
          await inside(page, (chat) => chat.clear());
          await page.evaluate(() =>
            sessionStorage.setItem("samba-chat kept", '[{"role":"system","content":"x"}]'),
          );
          await page.reload();
          await page.waitForFunction(() => document.querySelector("samba-chat")?.ask, patience);
          assert.deepEqual(await inside(page, (chat) => chat.messages), []);
        },
        { origins: [server.origin] },
      ));

    test("a hash that does not fit stops the script, or what the script loads", async () => {
      const forgive = /integrity|elsewhere|error|preload/i;
      await visit(
        browser,
        on("<samba-chat></samba-chat>", "&wrong"),
        async (page) => {
          await new Promise((resolve) => setTimeout(resolve, 500));
          assert.equal(await page.evaluate(() => customElements.get("samba-chat") === undefined), true);
        },
        { origins: [server.origin], forgive },
      );
      await visit(
        browser,
        on("<samba-chat></samba-chat>", "&crooked"),
        async (page) => {
          page.on("dialog", (dialog) => dialog.dismiss().then(() => assert.fail("what was added ran")));
          await page.waitForFunction(() => document.querySelector("samba-chat")?.ask, patience);
          await assert.rejects(
            page.evaluate(() => document.querySelector("samba-chat").load()),
            /is not what it was/,
          );
          assert.match(
            await inside(page, (_, root) => root.querySelector(".failure").textContent),
            /Something went wrong/,
          );
        },
        { origins: [crooked.origin], forgive },
      );
    });

    test("the examples are accessible, and 320 pixels are wide enough", () =>
      visit(browser, `${server.origin}/examples/`, async (page) => {
        for (const example of examples) {
          await page.setViewport({ width: 320, height: 568 });
          await page.goto(`${server.origin}/examples/${example}.html`);
          await page.waitForFunction(
            () => [...document.querySelectorAll("samba-chat")].every((chat) => chat.shadowRoot),
            patience,
          );
          await narrowEnough(page, 320);
          await accessible(page);
        }
        await page.goto(`${server.origin}/examples/script.html`);
        await page.click("#ask");
        await until(page, (_, root) => root.querySelector(".answer")?.textContent.length > 5);
        await inside(page, (chat) => chat.stop());
        await page.waitForFunction(
          () => /\d words/.test(document.querySelector("#words").textContent),
          patience,
        );
      }));
  });
}
