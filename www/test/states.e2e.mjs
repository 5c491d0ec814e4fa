/** What a conversation's state spares: reading again after a reload, an edit, a move to another machine. In stock browsers. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { accessible, exchange, finished, longer, patience, ready, text, texts, visit } from "./page.mjs";
import { browsers, launch, modelsFolder, serve } from "./site.mjs";

const models = modelsFolder();
const files = mkdtempSync(join(tmpdir(), "samba-states-"));
let server;
before(async () => {
  server = await serve(models.folder);
});
after(() => {
  server?.stop();
  models.remove();
  rmSync(files, { recursive: true, force: true });
});

/** More than any question of these tests has in tokens, and less than any of their conversations. */
const FEW = 60;

/** Keeps what answers took, and what the page hands out as files, where a test can look. */
const watchful = () => {
  globalThis.usages = [];
  globalThis.Worker = class extends Worker {
    constructor(...how) {
      super(...how);
      this.addEventListener("message", ({ data }) => {
        if (data.type === "done" && data.usage?.completion_tokens > 0) usages.push(data.usage);
      });
    }
  };
  Object.defineProperty(window, "launchQueue", {
    value: {
      setConsumer(consumer) {
        globalThis.launch = consumer;
      },
    },
  });
  const { createObjectURL } = URL;
  URL.createObjectURL = (blob) => {
    globalThis.handedOut = blob;
    return createObjectURL.call(URL, blob);
  };
};
const prefilled = (page) => page.evaluate(() => usages.at(-1).prefilled_tokens);

/** The page's list of kept states. */
const kept = (page) =>
  page.evaluate(async () => {
    const done = (request) =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const database = await done(indexedDB.open("samba-states"));
    const all = await done(database.transaction("states").objectStore("states").getAll());
    database.close();
    return all;
  });
async function keptAtLeast(page, n) {
  for (const end = Date.now() + 20_000; ; ) {
    const all = await kept(page);
    if (all.length >= n || Date.now() > end) {
      assert.ok(all.length >= n, `${all.length} states are kept, want ${n}`);
      return all;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const shows = (page, sentence) =>
  page.waitForFunction(
    (s) => document.querySelector("#notice:not([hidden])")?.textContent.includes(s),
    patience,
    sentence,
  );

/** Hands files to what the button asks for. */
async function hand(page, button, ...paths) {
  const [chooser] = await Promise.all([page.waitForFileChooser(), page.click(button)]);
  await chooser.accept(paths);
}

function file(name, content) {
  const path = join(files, name);
  writeFileSync(path, content);
  return path;
}

async function menu(page, words) {
  await page.click("#more");
  await page.waitForSelector(".menu");
  for (const button of await page.$$(".menu button"))
    if ((await button.evaluate((e) => e.textContent)).startsWith(words)) return button.click();
  throw new Error(`the menu has no ${words}`);
}

/** Something that takes long to read. */
const book = "Once there was a keeper of a light, and the sea was deep. ".repeat(6000);

for (const name of browsers) {
  describe(name, () => {
    let browser;
    before(async () => {
      browser = await launch(name);
    });
    after(() => browser?.close());

    test("a reload, another answer and an edit read only what is new; a file takes it all elsewhere", () =>
      visit(
        browser,
        server.origin,
        async (page) => {
          await ready(page);
          const long = "tell me of the old ship and of the keeper who saw it in the night, far from home";
          await exchange(page, long);
          await keptAtLeast(page, 1);
          await exchange(page, "and then", 2);
          assert.ok((await prefilled(page)) < FEW);
          const [first] = await keptAtLeast(page, 2);
          await page.reload();
          await ready(page);
          assert.match(await text(page, "#figures"), /context \d\d/); // known without reading
          await exchange(page, "what came after", 3);
          const spared = await prefilled(page);
          assert.ok(spared < FEW, `${spared} tokens were read again after the reload`);
          await page.click(".assistant:last-child [aria-label='Answer again']");
          await longer(page, 10);
          await page.keyboard.press("Escape");
          await finished(page, 3);
          assert.ok((await prefilled(page)) <= spared);
          await page.click(".user:nth-child(3) [aria-label='Edit']");
          await page.keyboard.type(", again");
          await page.keyboard.press("Enter");
          await longer(page, 10);
          await page.keyboard.press("Escape");
          await finished(page, 2);
          assert.ok((await prefilled(page)) < FEW);
          const all = await keptAtLeast(page, 5);
          assert.equal(new Set(all.map(({ bytes }) => bytes)).size, 1, "the size depends on the context");

          // A state that was damaged on the disk: the text is read again, and a note says so.
          await page.evaluate(
            async (damaged) => {
              const root = await navigator.storage.getDirectory();
              const folder = await root.getDirectoryHandle("samba-states");
              for (const name of damaged) {
                const writable = await (await folder.getFileHandle(name)).createWritable({
                  keepExistingData: true,
                });
                await writable.write({ type: "write", position: 5000, data: new Uint8Array(64).fill(7) });
                await writable.close();
              }
            },
            all.map(({ file }) => file),
          );
          await page.reload();
          await ready(page);
          await exchange(page, "so it was", 3);
          assert.match(await text(page, ".assistant:last-child .foot"), /read again: .*damaged/);
          assert.ok((await prefilled(page)) > FEW);
          await keptAtLeast(page, 1);
          await accessible(page);

          await menu(page, "Export with its state (");
          await page.waitForFunction(() => globalThis.handedOut, patience);
          const bytes = Buffer.from(
            await page.evaluate(async () => {
              const data = new Uint8Array(await handedOut.arrayBuffer());
              return btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(""));
            }),
            "base64",
          );
          assert.ok(bytes.length > first.bytes);
          const answers = await texts(page, ".answer");
          await menu(page, "Delete");
          await page.waitForSelector(".confirm-dialog");
          await page.click("dialog .danger");
          await page.waitForFunction(() => document.querySelectorAll(".conversation").length === 0, patience);
          for (let i = 0; i < 100 && (await kept(page)).length > 0; i++)
            await new Promise((resolve) => setTimeout(resolve, 50));
          assert.deepEqual(await kept(page), []);

          const tampered = Buffer.from(bytes);
          tampered[first.bytes - 100] ^= 1;
          const foreign = Buffer.from(bytes);
          foreign[40] ^= 1;
          createHash("sha256").update(foreign.subarray(0, 2016)).digest().copy(foreign, 2016);
          const said = Buffer.from(bytes);
          said[first.bytes + 200] ^= 1;
          for (const [file_, content, sentence] of [
            ["tampered", tampered, /tampered\.samba-state was not imported: .*damaged/],
            ["foreign", foreign, /foreign\.samba-state was not imported: .*another model/],
            ["said", said, /said\.samba-state was not imported: it is damaged: what was said/],
            [
              "short",
              bytes.subarray(0, first.bytes - 1),
              /short\.samba-state was not imported: it is cut short/,
            ],
          ]) {
            await hand(page, "#import", file(`${file_}.samba-state`, content));
            await shows(page, `${file_}.samba-state`);
            assert.match(await text(page, "#notice"), sentence);
          }
          assert.deepEqual(await texts(page, ".conversation"), []);
          assert.deepEqual(await kept(page), []);
          // The system opens it with the installed page.
          await page.evaluate(() => {
            const opened = new File([handedOut], "whole.samba-state");
            launch({ files: [{ name: opened.name, getFile: async () => opened }] });
          });
          await shows(page, "1 conversation imported");
          await finished(page, 3);
          assert.deepEqual(await texts(page, ".answer"), answers);
          await exchange(page, "here, too", 4);
          assert.ok((await prefilled(page)) < FEW);
        },
        { prepare: watchful },
      ));

    test("a long text is read while one types, as far as one likes, and the question goes on from there", () =>
      visit(
        browser,
        server.origin,
        async (page) => {
          await ready(page);
          for (const [name, content, sentence] of [
            ["paper.txt", "%PDF-1.7 …", "paper.txt is a PDF: save it as plain text"],
            ["noise.md", Buffer.from([1, 2, 0, 255, 254]), "noise.md holds no text in UTF-8"],
            ["none.txt", "", "none.txt is empty."],
            ["huge.txt", "a".repeat(16e6 + 1), "huge.txt has 16.0 MB, and the most"],
          ]) {
            await hand(page, "#attach", file(name, content));
            await shows(page, sentence);
          }
          assert.equal((await page.$$(".turn")).length, 0);

          await hand(page, "#attach", file("book.txt", book));
          await page.waitForFunction(
            () => document.querySelector("progress[aria-label='Reading book.txt']")?.value > 0,
            patience,
          );
          assert.match(await text(page, ".reading-row"), /Reading [\d,]+ of [\d,]+ tokens/);
          await accessible(page);
          await page.type("#prompt", "who kept it");
          await page.click(".reading-row button");
          await page.waitForSelector(".text-file", patience);
          await page.waitForFunction(() => !document.querySelector(".reading-row"), patience);
          const [, read] = (await text(page, ".text-file summary")).match(/([\d,]+) characters/);
          const left = Number(read.replaceAll(",", ""));
          assert.ok(left > 0 && left < book.length, `${left} characters are left`);
          assert.match(await text(page, ".user .foot"), /stopped here.*[\d,]+ tokens read/);
          assert.match(await text(page, "#status"), /^Stopped: .* are read and kept/);
          assert.equal(await page.$eval("#prompt", (e) => e.value), "who kept it");
          await page.focus("#prompt");
          await page.keyboard.press("Enter");
          await longer(page, 20);
          await page.keyboard.press("Escape");
          await finished(page, 1);
          assert.ok((await prefilled(page)) < FEW);

          // A pasted one, read to its end, and after a reload still.
          await page.evaluate(
            (pasted) => {
              const clipboardData = new DataTransfer();
              clipboardData.setData("text/plain", pasted);
              const paste = new Event("paste", { bubbles: true, cancelable: true });
              Object.defineProperty(paste, "clipboardData", { value: clipboardData });
              document.querySelector("#prompt").dispatchEvent(paste);
            },
            book.slice(0, 4100),
          );
          await page.waitForFunction(
            () => /Pasted text is read/.test(document.querySelector("#status").textContent),
            patience,
          );
          await page.reload();
          await ready(page);
          await exchange(page, "and that", 2);
          assert.ok((await prefilled(page)) < FEW);
          await page.click(".assistant:last-child [aria-label='Answer again']");
          await longer(page, 10);
          await page.keyboard.press("Escape");
          await finished(page, 2);
          assert.ok((await prefilled(page)) < FEW);
        },
        { prepare: watchful },
      ));

    test("without room or place for states a sentence says so, and nothing is lost", () =>
      visit(browser, server.origin, async (page, context) => {
        await ready(page);
        await exchange(page, "the light");
        await keptAtLeast(page, 1);
        // Two have room: the third takes the place of the one used least recently.
        await page.evaluate(() => localStorage.setItem("samba-states-limit", "80000"));
        await exchange(page, "over the sea", 2);
        const most = Math.max(...(await keptAtLeast(page, 2)).map(({ position }) => position));
        await exchange(page, "to the stone", 3);
        let before = [];
        const newer = () => before.length === 2 && before.every(({ position }) => position >= most);
        for (let i = 0; i < 200 && !newer(); i++) {
          before = await kept(page);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        assert.ok(newer(), JSON.stringify(before));
        await page.evaluate(() => {
          FileSystemWritableFileStream.prototype.write = async () => {
            throw new DOMException("no room", "QuotaExceededError");
          };
        });
        await exchange(page, "in the night", 4);
        await shows(page, "The disk is too full to keep this conversation's state");
        await accessible(page);
        assert.deepEqual(
          (await kept(page)).map(({ message }) => message),
          before.map(({ message }) => message),
        );
        const said = await texts(page, ".answer");
        const address = page.url();
        await page.close();

        const other = await context.newPage();
        await other.evaluateOnNewDocument(() => {
          StorageManager.prototype.getDirectory = () =>
            Promise.reject(new DOMException("no", "SecurityError"));
        });
        await other.goto(address);
        await ready(other);
        assert.deepEqual(await texts(other, ".answer"), said);
        await exchange(other, "and far away", 5);
        await shows(other, "keeps no files for the page, as in private windows");
      }));
  });
}
