/** What breaks pages: hostile texts, storage that is taken away, plain http, a first visit in a hurry. In stock browsers. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  accessible,
  exchange,
  finished,
  longer,
  patience,
  ready,
  send,
  state,
  text,
  texts,
  visit,
} from "./page.mjs";
import { browsers, launch, modelsFolder, serve } from "./site.mjs";

const models = modelsFolder();
const files = mkdtempSync(join(tmpdir(), "samba-trouble-"));
let server;
before(async () => {
  server = await serve(models.folder);
});
after(() => {
  server?.stop();
  models.remove();
  rmSync(files, { recursive: true, force: true });
});

/** The page where it computes on the processor: what is tried here has nothing to do with graphics chips. */
const chat = (origin = server.origin) => `${origin}/?backend=cpu`;

/** A file of one conversation: questions and answers in turns. */
function conversationFile(name, contents) {
  const now = Date.now();
  const messages = contents.map((content, i) => ({
    ...{
      id: `m${i}`,
      parent: i ? `m${i - 1}` : null,
      role: i % 2 ? "assistant" : "user",
      content,
      at: now + i,
    },
    ...(i % 2 ? { finish: "stop" } : {}),
  }));
  const head = messages.at(-1).id;
  const about = { id: "c", title: name, created: now, updated: now, head, system: "", sampling: {} };
  const path = join(files, name);
  const conversations = [{ ...about, messages }];
  writeFileSync(path, JSON.stringify({ format: "samba-conversations", version: 1, conversations }));
  return path;
}

async function importFile(page, ...paths) {
  const [chooser] = await Promise.all([page.waitForFileChooser(), page.click("#import")]);
  await chooser.accept(paths);
}

const shows = (page, sentence) =>
  page.waitForFunction(
    (s) => document.querySelector("#notice:not([hidden])")?.textContent.includes(s),
    patience,
    sentence,
  );

const hostile = {
  quotes: ">".repeat(6000),
  "spaced quotes": `${"> ".repeat(3000)}x`,
  lists: `${"- ".repeat(3000)}x`,
  staircase: Array.from({ length: 300 }, (_, i) => `${"  ".repeat(i)}- x`).join("\n"),
  emphasis: "_a__b ".repeat(2667),
  stars: "*a **b ".repeat(2667),
  brackets: "[".repeat(16_000),
  raised: "<sup>".repeat(3000),
};

for (const name of browsers) {
  describe(name, () => {
    let browser;
    before(async () => {
      browser = await launch(name);
    });
    after(() => browser?.close());

    test("hostile texts are shown, and the page starts again with them", () =>
      visit(browser, chat(), async (page) => {
        await page.waitForSelector("#go");
        const contents = Object.values(hostile).flatMap((content, i) => [`number ${i}`, content]);
        await importFile(page, conversationFile("hostile", contents));
        await finished(page, contents.length / 2);
        await page.reload();
        await finished(page, contents.length / 2);
        assert.match(page.url(), /#/);
        await ready(page);
        await page.click("#new"); // they are long to read
        await exchange(page, "and now");
      }));

    test("what a model writes is all there", () =>
      visit(browser, chat(), async (page) => {
        await page.waitForSelector("#go");
        const said = [
          "Use vector<int>; run git clone <url>. If a<b and c>d then stop.",
          "x<sup>2</sup>",
          "\\(a_1\\) and \\[ x \\]",
          "**重要です。**続きます。これは**「重要」**な点です。",
          "見て https://example.com/a。次。",
          "English first.\n\nهذا نص.\n\n- عنصر",
          "```bash\nrm -r x\n```",
        ];
        await importFile(
          page,
          conversationFile(
            "all",
            said.flatMap((content) => ["q", content]),
          ),
        );
        await finished(page, said.length);
        const shown = await texts(page, ".answer");
        assert.deepEqual(shown.slice(0, 3), [said[0], "x2", said[2]]);
        assert.deepEqual(await texts(page, ".answer strong"), ["重要です。", "「重要」"]);
        assert.equal(shown[4], said[4]);
        const directions = await page.$$eval(".answer :is(p, ul, li)", (all) =>
          all.slice(-4).map((e) => `${e.localName} ${getComputedStyle(e).direction}`),
        );
        assert.deepEqual(directions, ["p ltr", "p rtl", "ul rtl", "li rtl"]);
        // A browser that refuses says so, on the button that was pressed.
        await page.evaluate(() => {
          globalThis.copied = "";
          const write = async (text) => {
            globalThis.copied = text;
          };
          Object.defineProperty(navigator, "clipboard", { value: { writeText: write }, configurable: true });
        });
        await page.click(".copy-code");
        await page.waitForFunction(() => globalThis.copied, patience);
        assert.equal(await page.evaluate(() => globalThis.copied), "rm -r x");
        await page.evaluate(() => {
          const writeText = () => Promise.reject(new DOMException("no", "NotAllowedError"));
          Object.defineProperty(navigator, "clipboard", { value: { writeText } });
          document.execCommand = () => false;
        });
        await page.click(".assistant:last-child .copy-turn");
        await page.waitForFunction(
          () => document.querySelector(".refused")?.textContent.startsWith("Not copied"),
          patience,
        );
        await accessible(page);
      }));

    test("a conversation of thousands of turns is there at once, and what is not in view is found", () =>
      visit(browser, chat(), async (page) => {
        await page.waitForSelector("#go");
        const contents = Array.from({ length: 5000 }, (_, i) =>
          i % 2 ? `Answer **${i}**.` : `Question ${i}.`,
        );
        await importFile(page, conversationFile("long", contents));
        await page.waitForFunction(() => document.querySelectorAll(".turn").length === 5000, patience);
        // In view are the last ones, dressed; the first ones are there as text.
        await page.waitForFunction(() => document.querySelector(".assistant:last-child strong"), patience);
        assert.ok((await page.$$(".turn.finished")).length < 1000);
        assert.match(await text(page, ".turn:first-child"), /Question 0\./);
        await page.$eval("main", (main) => {
          main.scrollTop = 0;
        });
        await page.waitForFunction(() => document.querySelector(".turn:nth-child(2) strong"), patience);
      }));

    test("the same file twice makes one conversation; one with Windows' line ends is read", () =>
      visit(browser, chat(), async (page) => {
        await page.waitForSelector("#go");
        const path = conversationFile("once", ["hello", "there"]);
        await importFile(page, path, path);
        await shows(page, "1 conversation imported. 1 conversation was here already.");
        await importFile(page, path);
        await shows(page, "1 conversation was here already.");
        assert.equal((await page.$$(".conversation")).length, 1);
        const mark = "0b7ad0b4-5c1e-4d3b-9a40-1b2c3d4e5f60";
        const markdown = [
          `<!-- samba-conversations 1 ${mark} -->`,
          ...["", "# River", "", "1 May", "", `<!-- ${mark} user -->`, "", "### You", "", "hello there", ""],
          ...[`<!-- ${mark} assistant -->`, "", "### Samba", "", "fine", ""],
        ].join("\r\n");
        writeFileSync(join(files, "crlf.md"), markdown);
        await importFile(page, join(files, "crlf.md"));
        await page.waitForFunction(
          () => document.querySelector(".bubble")?.textContent === "hello there",
          patience,
        );
        await finished(page, 1);
        assert.equal(await text(page, ".answer"), "fine");
        // It goes away by itself.
        await page.waitForSelector("#notice[hidden]", patience);
      }));

    test("a question before the download starts it, and is asked then; Continue goes on with a cut answer", () =>
      visit(browser, chat(), async (page) => {
        await page.waitForSelector("#go");
        assert.match(await text(page, "#lead"), /on your own machine/);
        await send(page, "the old ship");
        await longer(page, 20);
        assert.match(await text(page, "#lead"), /on your own processor/);
        assert.equal(await page.evaluate(() => document.activeElement?.id), "prompt");
        await page.keyboard.press("Escape");
        await finished(page, 1);
        const begun = await text(page, ".answer");
        await page.click(".go-on");
        await longer(page, begun.length + 20);
        await page.keyboard.press("Escape");
        await finished(page, 1);
        assert.ok((await text(page, ".answer")).startsWith(begun.trimEnd()));
        assert.equal((await page.$$(".turn")).length, 2);
        assert.equal(await page.$eval("#failure", (e) => e.hidden), true);
        await page.click("#settings");
        await page.waitForSelector(".settings-dialog");
        assert.match(await page.$eval("#set-max_tokens", (e) => e.placeholder), /^1,024 /);
        await page.keyboard.press("Escape");
        // Deleting the model in use asks.
        await page.click("#model");
        await page.waitForSelector(".model-dialog");
        await page.click(".models [aria-label^='Delete']");
        await page.waitForSelector(".confirm-dialog");
        await page.click(".confirm-dialog .quiet");
        assert.equal(await state(page), "ready");
      }));

    test("an input method's Enter sends nothing", () =>
      visit(browser, chat(), async (page) => {
        await ready(page);
        await page.type("#prompt", "にほ");
        await page.evaluate(() => {
          // Safari ends the composition before it tells of the key.
          const enter = new KeyboardEvent("keydown", {
            key: "Enter",
            keyCode: 229,
            bubbles: true,
            cancelable: true,
          });
          document.querySelector("#prompt").dispatchEvent(enter);
        });
        assert.equal((await page.$$(".turn")).length, 0);
        assert.equal(await page.$eval("#prompt", (e) => e.value), "にほ");
      }));

    test("a database without its stores, and a draft that is none, cost nothing", () =>
      visit(
        browser,
        chat(),
        async (page) => {
          await ready(page);
          await exchange(page, "kept all the same");
          await page.evaluate(() => localStorage.setItem("samba-draft", "{no"));
          await page.reload();
          await finished(page, 1);
          assert.equal(await text(page, ".bubble"), "kept all the same");
          assert.equal(await page.$eval("#notice", (e) => e.hidden), true);
        },
        {
          prepare: () => {
            // Firefox runs this before the page has an origin, too: nothing can be stored there.
            if (origin === "null" || sessionStorage.getItem("emptied")) return;
            sessionStorage.setItem("emptied", "yes");
            for (const name of ["samba", "samba-states"]) {
              const open = indexedDB.open(name, 1);
              open.onsuccess = () => open.result.close();
            }
          },
        },
      ));

    test("data that is deleted while the page is open: the conversation is kept again, as a whole", () =>
      visit(browser, chat(), async (page) => {
        await ready(page);
        await exchange(page, "the first");
        await page.evaluate(async () => {
          for (const name of ["samba", "samba-states"])
            await new Promise((resolve) => {
              const gone = indexedDB.deleteDatabase(name);
              gone.onsuccess = gone.onerror = resolve;
            });
          const root = await navigator.storage.getDirectory();
          for await (const name of root.keys())
            for (let gone = false; !gone; )
              gone = await root.removeEntry(name, { recursive: true }).then(
                () => true,
                async (error) => {
                  // A file that the engine has open goes once it is closed.
                  if (error.name !== "NoModificationAllowedError") throw error;
                  await new Promise((resolve) => setTimeout(resolve, 50));
                },
              );
        });
        await exchange(page, "the second", 2);
        assert.equal(await page.$eval("#notice", (e) => e.hidden), true);
        await page.reload();
        await finished(page, 2);
        assert.deepEqual(await texts(page, ".bubble"), ["the first", "the second"]);
      }));

    test("a host that answers with a page for whatever it lacks is named", async () => {
      const host = createServer((asked, answer) => {
        if (asked.url.startsWith("/models/")) {
          answer.writeHead(200, { "content-type": "text/html" });
          answer.end("<!doctype html><title>Home</title>");
          return;
        }
        const passed = request(server.origin + asked.url, (from) => {
          answer.writeHead(from.statusCode, from.headers);
          from.pipe(answer);
        });
        passed.end();
      });
      await new Promise((resolve) => host.listen(0, "127.0.0.1", resolve));
      try {
        await visit(browser, chat(`http://127.0.0.1:${host.address().port}`), async (page) => {
          await page.locator("#go").click();
          await page.waitForSelector(".failure:not([hidden])", patience);
          assert.match(await text(page, ".failure .details"), /answered with a web page, not a model/);
        });
      } finally {
        host.closeAllConnections();
        host.close();
      }
    });

    const lan = Object.values(networkInterfaces())
      .flat()
      .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
    test("over plain http on the local network it answers, and one sentence says what cannot be", {
      skip: !lan && "this machine has no address on a network",
    }, async () => {
      const open = await serve(models.folder, "--addr", "0.0.0.0:0");
      try {
        await visit(browser, chat(`http://${lan}:${new URL(open.origin).port}`), async (page) => {
          assert.equal(await page.evaluate(() => isSecureContext), false);
          await shows(page, "Over plain http");
          await ready(page);
          await exchange(page, "the sea");
          await page.reload();
          await finished(page, 1);
          assert.equal(await text(page, ".bubble"), "the sea");
        });
      } finally {
        open.stop();
      }
    });
  });
}
