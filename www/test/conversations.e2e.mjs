/** What is said stays: conversations, their versions, files of them, settings. In stock browsers. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  accessible,
  exchange,
  finished,
  longer,
  patience,
  press,
  ready,
  send,
  text,
  texts,
  visit,
} from "./page.mjs";
import { browsers, launch, modelsFolder, serve } from "./site.mjs";
import { attacks, inert, plainMarkdown } from "./xss.mjs";

const models = modelsFolder();
const files = mkdtempSync(join(tmpdir(), "samba-files-"));
let server;
before(async () => {
  server = await serve(models.folder);
});
after(() => {
  server?.stop();
  models.remove();
  rmSync(files, { recursive: true, force: true });
});

/** A file of one conversation whose answers are these texts. */
function conversationFile(name, title, answers) {
  const now = Date.now();
  let parent = null;
  const messages = answers.flatMap((content, i) => {
    const question = { id: `q${i}`, parent, role: "user", content: `number ${i}`, at: now + 2 * i };
    const answer = {
      id: `a${i}`,
      parent: question.id,
      role: "assistant",
      content,
      at: now + 2 * i + 1,
      finish: "stop",
    };
    parent = answer.id;
    return [question, answer];
  });
  const conversation = {
    id: "c",
    title,
    created: now,
    updated: now,
    head: parent,
    system: "",
    sampling: {},
    messages,
  };
  const path = join(files, name);
  writeFileSync(
    path,
    JSON.stringify({ format: "samba-conversations", version: 1, conversations: [conversation] }),
  );
  return path;
}

/** The answer that is shown is this one, once the page has turned to its conversation. */
const says = (page, answer) =>
  page.waitForFunction(
    (answer) => document.querySelector(".answer")?.textContent.trim() === answer,
    patience,
    answer,
  );

async function importFile(page, ...paths) {
  const [chooser] = await Promise.all([page.waitForFileChooser(), page.click("#import")]);
  await chooser.accept(paths);
}

const titles = (page) => texts(page, ".conversation .open");
const shows = (page, sentence) =>
  page.waitForFunction(
    (s) => document.querySelector("#notice:not([hidden])")?.textContent.includes(s),
    patience,
    sentence,
  );
const listed = (page, n) =>
  page.waitForFunction((n) => document.querySelectorAll(".conversation").length === n, patience, n);

async function choose(page, index, entry) {
  await page.locator(`.conversation:nth-child(${index}) .icon-button`).click();
  await page.waitForSelector(".menu");
  for (const button of await page.$$(".menu button"))
    if ((await button.evaluate((e) => e.textContent)) === entry) return button.click();
  throw new Error(`the menu has no ${entry}`);
}

for (const name of browsers) {
  describe(name, () => {
    let browser;
    before(async () => {
      browser = await launch(name);
    });
    after(() => browser?.close());

    test("an answer can be asked for again, a question edited; all versions stay", () =>
      visit(browser, server.origin, async (page) => {
        await ready(page);
        await exchange(page, "the first question");
        const first = await text(page, ".answer");
        await page.click(".assistant [aria-label='Answer again']");
        await longer(page, 10);
        await page.keyboard.press("Escape");
        await finished(page, 1);
        assert.match(await text(page, ".assistant .versions"), /2 \/ 2/);
        await accessible(page);
        const second = await text(page, ".answer");
        await page.click(".assistant [aria-label='Version before']");
        assert.equal(await text(page, ".answer"), first);
        assert.equal(
          await page.evaluate(() => document.activeElement?.getAttribute("aria-label")),
          "Next version",
        );

        // From the empty field, arrow up opens the last question.
        await page.focus("#prompt");
        await page.keyboard.press("ArrowUp");
        assert.equal(await page.$eval(".edit textarea", (e) => e.value), "the first question");
        await page.keyboard.type(", edited");
        await page.keyboard.press("Enter");
        await longer(page, 10);
        await page.keyboard.press("Escape");
        await finished(page, 1);
        assert.equal(await text(page, ".bubble"), "the first question, edited");
        assert.match(await text(page, ".user .versions"), /2 \/ 2/);
        await page.click(".user [aria-label='Version before']");
        assert.equal(await text(page, ".answer"), second); // the newest of that question's

        await page.click(".assistant [aria-label='Branch into a new chat']");
        await listed(page, 2);
        assert.match((await titles(page))[0], /\(branch\)/);
        await exchange(page, "elsewhere", 2);
        await page.goBack();
        await page.waitForFunction(() => document.querySelectorAll(".turn").length === 2, patience);
      }));

    test("an answer that a reload cuts off stays as it was shown", () =>
      visit(browser, server.origin, async (page) => {
        await ready(page);
        await send(page, "a long story");
        await longer(page, 60);
        // The longest that was shown before the page went away.
        await page.evaluate(() => {
          const note = () =>
            sessionStorage.setItem("shown", document.querySelector(".answer").textContent.trim());
          new MutationObserver(note).observe(document.querySelector(".answer"), {
            childList: true,
            subtree: true,
          });
          note();
        });
        await longer(page, 90);
        await page.reload();
        await page.waitForSelector(".assistant.finished", patience);
        const shown = await page.evaluate(() => sessionStorage.getItem("shown"));
        assert.ok(shown.length > 60);
        assert.ok(
          (await text(page, ".answer")).trim().startsWith(shown),
          `${await text(page, ".answer")}\n${shown}`,
        );
        assert.match(await text(page, ".assistant .foot"), /not finished/);
        await ready(page);
        await exchange(page, "go on", 2);
      }));

    test("conversations are found, renamed, deleted, taken out and brought in", () =>
      visit(browser, server.origin, async (page, context) => {
        await page.waitForSelector("#go");
        const river = conversationFile("river.json", "About rivers", ["Water, in a *hurry*."]);
        const stone = conversationFile("stone.json", "About stones", ["They wait."]);
        writeFileSync(join(files, "notes.md"), "# Notes");
        await importFile(page, river, stone, join(files, "notes.md"));
        await shows(page, "2 conversations imported. notes.md was not imported: its turns are not marked");
        await listed(page, 2);
        await says(page, "They wait.");
        await accessible(page);

        await press(page, "Control", "k");
        assert.equal(await page.evaluate(() => document.activeElement?.id), "search");
        await page.keyboard.type("hurry");
        await listed(page, 1);
        assert.deepEqual(await titles(page), ["About rivers"]);
        await page.keyboard.type(" nowhere");
        await page.waitForSelector(".none", patience);
        await page.$eval("#search", (e) => e.select());
        await page.keyboard.press("Backspace");
        await listed(page, 2);

        const at = 1 + (await titles(page)).indexOf("About rivers");
        await choose(page, at, "Rename");
        await page.keyboard.type("Rivers <b>");
        // What another tab says meanwhile draws the list again, once the name is written.
        await page.evaluate(async () => {
          new BroadcastChannel("samba-conversations").postMessage("another");
          await new Promise((resolve) => setTimeout(resolve, 300));
        });
        await page.keyboard.type("& streams</b>");
        await page.keyboard.press("Enter");
        await page.waitForFunction(
          () =>
            [...document.querySelectorAll(".open")].some((e) => e.textContent === "Rivers <b>& streams</b>"),
          patience,
        );
        if (name === "chromium") {
          // Firefox's driver has no way to say where downloads go.
          const devtools = await page.createCDPSession();
          const folder = mkdtempSync(join(files, "out-"));
          await devtools.send("Browser.setDownloadBehavior", {
            behavior: "allow",
            downloadPath: folder,
            browserContextId: context.id,
          });
          await choose(
            page,
            1 + (await titles(page)).findIndex((t) => t.startsWith("Rivers")),
            "Export as Markdown",
          );
          const path = join(folder, "Rivers-b-streams-b.md");
          for (let i = 0; i < 100 && !readdirSync(folder).includes("Rivers-b-streams-b.md"); i++)
            await new Promise((resolve) => setTimeout(resolve, 50));
          assert.match(
            readFileSync(path, "utf8"),
            /^# Rivers <b>& streams<\/b>\n[\s\S]*### Samba\n\nWater, in a \*hurry\*\.\n$/m,
          );
          await importFile(page, path);
          await listed(page, 3);
          await says(page, "Water, in a hurry.");
        }
        const n = (await titles(page)).length;
        await choose(page, 1, "Delete");
        await page.waitForSelector(".confirm-dialog");
        assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Keep it");
        await accessible(page);
        await page.click("dialog .danger");
        await listed(page, n - 1);
        await page.reload();
        await listed(page, n - 1);
      }));

    test("two tabs have one engine, and an answer goes on when the tab that has it is closed", () =>
      visit(browser, `${server.origin}/?backend=cpu`, async (page, context) => {
        await ready(page);
        const other = await context.newPage();
        await other.goto(`${server.origin}/?backend=cpu`);
        await ready(other);
        await other.waitForFunction(
          () => document.querySelector("#figures").textContent.includes("shared by 2 tabs"),
          patience,
        );
        // The lock of the engine is held once, and waited for by the other tab.
        const { held, pending } = await other.evaluate(async () => {
          const { held, pending } = await navigator.locks.query();
          const engine = ({ name }) => /^samba \d.*\}$/.test(name);
          return { held: held.filter(engine).length, pending: pending.filter(engine).length };
        });
        assert.deepEqual([held, pending], [1, 1]);
        // One is answered beside the other.
        await page.bringToFront();
        await send(page, "here");
        await longer(page, 20);
        await other.bringToFront();
        await send(other, "and there");
        await longer(other, 20);
        await page.close();
        const before = (await texts(other, ".answer")).at(-1);
        await longer(other, before.length + 200);
        await other.keyboard.press("Escape");
        await finished(other);
        assert.ok((await texts(other, ".answer")).at(-1).startsWith(before), "what was said has changed");
      }));

    test("another tab hears of what is said here", () =>
      visit(browser, server.origin, async (page, context) => {
        await ready(page);
        await exchange(page, "said in one tab");
        const other = await context.newPage();
        await other.goto(page.url());
        await ready(other);
        assert.equal(await text(other, ".bubble"), "said in one tab");
        // One tab writes; the other says so, and can take over, even in the middle of an answer.
        await other.waitForSelector("#elsewhere:not([hidden])", patience);
        assert.match(await text(other, "#elsewhere"), /open in another tab/);
        await accessible(other);
        await other.type("#prompt", "and in the other");
        assert.equal(await other.$eval("#send", (e) => e.disabled), true);
        await page.bringToFront();
        await send(page, "more");
        await longer(page, 10);
        await other.bringToFront();
        await choose(other, 1, "Rename");
        await other.keyboard.type("Renamed over there");
        await other.keyboard.press("Enter");
        await other.waitForFunction(() => document.title.startsWith("Renamed over there"), patience);
        await other.click("#elsewhere button");
        await other.waitForSelector("#elsewhere[hidden]", patience);
        await other.waitForFunction(() => document.querySelectorAll(".turn").length === 4, patience);
        await exchange(other, "", 3);
        await page.bringToFront();
        await page.waitForFunction(() => document.querySelectorAll(".turn").length === 6, patience);
        assert.equal(await page.$eval("#elsewhere", (e) => e.hidden), false);
        assert.deepEqual(await texts(page, ".answer"), await texts(other, ".answer"));
        // The other tab leaves the conversation: this one may write again.
        await other.bringToFront();
        await other.click("#new");
        await page.bringToFront();
        await page.waitForSelector("#elsewhere[hidden]", patience);
        await exchange(page, "and back", 4);
        for (const one of [page, other]) assert.deepEqual(await titles(one), ["Renamed over there"]);
      }));

    test("a hundred attacks in a conversation from elsewhere stay text", () => {
      assert.ok(attacks.length >= 100);
      const file = conversationFile("attacks.json", "<img src=x onerror=parent.hit(1)>", attacks);
      return visit(
        browser,
        server.origin,
        async (page) => {
          await page.exposeFunction("hit", () => assert.fail("a script of an answer ran"));
          let dialogs = 0;
          page.on("dialog", (dialog) => {
            dialogs++;
            dialog.dismiss();
          });
          await page.waitForSelector("#go");
          await importFile(page, file);
          await finished(page, attacks.length);
          const found = await page.$$eval(".answer *", (all) => [
            ...new Set(
              all.flatMap((e) => [e.localName, ...e.getAttributeNames().map((a) => `${e.localName}.${a}`)]),
            ),
          ]);
          assert.deepEqual(
            found.filter((what) => !plainMarkdown.test(what)),
            [],
          );
          const links = await page.$$eval(".answer a[href]", (all) => [
            ...new Set(all.map((a) => a.protocol)),
          ]);
          assert.deepEqual(links, ["https:"]);
          const buttons = await page.$$eval(".answer button", (all) => [
            ...new Set(all.map((b) => b.className)),
          ]);
          assert.deepEqual(buttons, ["copy-code"]);
          assert.equal(dialogs, 0);
          assert.equal((await page.$$("#prompt")).length, 1);
        },
        { forgive: inert },
      );
    });

    test("an answer that is a number and a point is no list", () =>
      visit(browser, server.origin, async (page) => {
        await page.waitForSelector("#go");
        await importFile(page, conversationFile("number.json", "numbers", ["48213.", "1. One\n2. Two"]));
        await finished(page, 2);
        assert.deepEqual(await texts(page, ".answer > p"), ["48213."]);
        assert.deepEqual(await texts(page, ".answer > ol > li"), ["One", "Two"]);
      }));

    test("settings are refused with a reason, and hold", () =>
      visit(browser, server.origin, async (page) => {
        await ready(page);
        await press(page, "Control", ",");
        await page.waitForSelector(".settings-dialog");
        await page.type("#set-temperature", "hot");
        await page.type("#set-seed", "7");
        await page.type("#set-max_tokens", "12");
        await page.type("#system", "Speak of the sea.");
        await page.keyboard.press("Tab");
        await page.click("dialog .primary");
        assert.match(await text(page, "#set-temperature-complaint"), /from 0 to/);
        assert.equal(await page.evaluate(() => document.activeElement?.id), "set-temperature");
        await accessible(page);
        await page.$eval("#set-temperature", (e) => e.select());
        await page.keyboard.type("0,7");
        await page.keyboard.press("Enter");
        await page.waitForFunction(() => !document.querySelector("dialog"), patience);
        await send(page, "twice");
        await finished(page, 1);
        const first = await text(page, ".answer");
        assert.match(await text(page, ".assistant .foot"), /longest length.*12 tokens/);
        await page.click(".assistant [aria-label='Answer again']");
        // Twelve tokens may be written before anyone looks: what stays says that they are a second answer's.
        await page.waitForSelector(".assistant .versions", patience);
        await finished(page, 1);
        assert.match(await text(page, ".assistant .versions"), /2 \/ 2/);
        assert.equal(await text(page, ".answer"), first); // the same seed
        await page.reload();
        await ready(page);
        await press(page, "Control", ",");
        assert.equal(await page.$eval("#set-temperature", (e) => e.value), "0.7");
        assert.equal(await page.$eval("#system", (e) => e.value), "Speak of the sea.");
      }));

    test("shortcuts are listed, dialogs give the focus back", () =>
      visit(browser, server.origin, async (page) => {
        await ready(page);
        await page.focus("#prompt");
        await press(page, "Control", "/");
        await page.waitForSelector(".help-dialog");
        await accessible(page);
        await page.keyboard.press("Escape");
        await page.waitForFunction(() => !document.querySelector("dialog"), patience);
        assert.equal(await page.evaluate(() => document.activeElement?.id), "prompt");
        await page.click("#model");
        await page.waitForSelector(".model-dialog");
        assert.match(await text(page, ".model-dialog .facts"), /254K parameters/);
        await accessible(page);
        await page.type("#other-model", "ftp://nowhere/");
        await page.keyboard.press("Enter");
        assert.match(await text(page, "#other-model-complaint"), /https:/);
        await page.keyboard.press("Escape");
        await page.waitForFunction(() => !document.querySelector("dialog"), patience);
        assert.equal(await page.evaluate(() => document.activeElement?.id), "model");
      }));
  });
}
