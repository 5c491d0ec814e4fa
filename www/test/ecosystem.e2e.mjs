/** What stands on the package: the entries for other interfaces and the example projects, built with Vite, in a browser. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { patience } from "./page.mjs";
import { browsers, launch, staticFiles } from "./site.mjs";
import { writeTinyModel } from "./tiny-model.mjs";

const www = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "samba-ecosystem-"));
const project = join(folder, "project");
const built = join(folder, "built");

let home;
let cdn;
before(async () => {
  execFileSync(process.execPath, [join(www, "package.mjs")], { stdio: "inherit" });
  // As npm would have installed them.
  mkdirSync(join(project, "node_modules"), { recursive: true });
  symlinkSync(www, join(project, "node_modules/samba-web"));
  for (const name of ["react", "react-dom", "@types", "ai", "zod", "@ai-sdk", "@langchain"])
    symlinkSync(join(www, "node_modules", name), join(project, "node_modules", name));
  for (const name of ["react", "cdn"])
    cpSync(join(www, "examples", name), join(project, name), { recursive: true });
  // The CDN: what a package's files and a model are served by, to pages of any origin.
  mkdirSync(join(folder, "cdn/samba-web"), { recursive: true });
  symlinkSync(join(www, "dist"), join(folder, "cdn/samba-web/dist"));
  writeTinyModel(join(folder, "cdn/model"));
  cdn = await staticFiles(join(folder, "cdn"), () => ({ "Access-Control-Allow-Origin": "*" }));
  const page = join(project, "cdn/index.html");
  writeFileSync(page, readFileSync(page, "utf8").replaceAll("https://cdn.example", cdn.origin));

  cpSync(join(www, "test/adapters.mjs"), join(project, "adapters.mjs"));
  writeFileSync(
    join(project, "adapters.html"),
    '<!doctype html><title>adapters</title><script type="module" src="adapters.mjs"></script>',
  );
  await build({
    root: project,
    base: "./",
    logLevel: "error",
    build: {
      outDir: built,
      minify: false,
      target: "es2022",
      rolldownOptions: {
        input: ["adapters.html", "react/index.html", "cdn/index.html"].map((name) => join(project, name)),
      },
    },
  });
  home = await staticFiles(built);
});
after(() => {
  home?.close();
  cdn?.close();
  rmSync(folder, { recursive: true, force: true });
});

test("the entries' types are those of the packages that they are for", () => {
  writeFileSync(
    join(project, "use.ts"),
    `import { generateText, type LanguageModel as Model } from "ai";
import { Samba } from "samba-web";
import { samba } from "samba-web/ai-sdk";
import { ChatSamba } from "samba-web/langchain";
import { languageModel } from "samba-web/prompt-api";
const engine = Samba.load("model/");
const model: Model = samba(engine);
const { text }: { text: string } = await generateText({ model, prompt: "hello" });
const chat = new ChatSamba({ samba: engine, temperature: 0 });
const answer: string = (await chat.invoke(text, { topK: 3, stop: ["x"] })).text;
const session = await languageModel("model/", { native: true }).create({ samplingMode: "creative" });
const stream: ReadableStream<string> = session.promptStreaming(answer, { responseConstraint: { type: "string" } });
for await (const piece of stream) console.log(piece.length);
// @ts-expect-error a number, not a string
new ChatSamba({ samba: engine, temperature: "hot" });
// @ts-expect-error no such role
await session.prompt([{ role: "robot", content: "x" }]);
`,
  );
  const options =
    "--noEmit --strict --skipLibCheck --target es2022 --module esnext --moduleResolution bundler --types";
  const lib = ["react", "--lib", "es2023,dom,dom.iterable,dom.asynciterable"];
  execFileSync(
    process.execPath,
    [join(www, "node_modules/typescript/bin/tsc"), ...options.split(" "), ...lib, "use.ts"],
    { cwd: project, stdio: "inherit" },
  );
});

for (const name of browsers)
  test(`the entries in ${name}`, async () => {
    const browser = await launch(name);
    try {
      const page = await browser.newPage();
      await page.goto(`${home.origin}/adapters.html`);
      const out = await page.evaluate((model) => globalThis.adapters(model), `${cdn.origin}/model`);
      for (const { text, streamed, json } of [out.aiSDK, out.langchain]) {
        assert.ok(text.length > 0);
        assert.equal(streamed, text);
        assert.match(json.mood, /^(good|bad)$/);
        assert.ok(json.stars >= 1 && json.stars <= 5);
      }
      assert.deepEqual(out.aiSDK.usage.slice(0, 2), [true, true]);
      assert.match(out.aiSDK.usage[2], /^(stop|length)$/);
      assert.equal(out.aiSDK.aborted, "abort");
      const [looked, counted, said] = out.aiSDK.steps;
      assert.match(looked.join(": "), /^look: The (sea|star) is deep\.$/);
      assert.match(counted.join(": "), /^count: [123] came\.$/);
      assert.deepEqual(said, ["", ""]);
      assert.ok(out.langchain.usage >= 1 && out.langchain.usage <= 8);
      assert.equal(out.langchain.batch, 2);
      assert.equal(out.langchain.aborted, "AbortError");

      const { json, answer, streamed, begun, next, ...rest } = out.promptAPI;
      assert.match(json.mood, /^(good|bad)$/);
      for (const text of [answer, streamed, begun, next]) assert.equal(typeof text, "string");
      assert.ok(answer.length + streamed.length + next.length > 0);
      assert.deepEqual(rest, {
        before: "available", // the engine above has stored it
        progress: [0, 1, true],
        after: "available",
        usage: [true, true],
        cloned: true,
        regexp: "NotSupportedError",
        schema: "NotSupportedError",
        aborted: "AbortError",
        destroyed: ["InvalidStateError", true],
        unloaded: ["InvalidStateError", "available"],
        missing: "OperationError",
      });
    } finally {
      await browser.close();
    }
  });

test("the examples answer", async () => {
  const browser = await launch("chromium", { webgpu: false });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(patience.timeout);
    const faults = [];
    page.on("pageerror", (error) => faults.push(error.message));
    await page.goto(`${home.origin}/cdn/index.html`);
    await page.waitForFunction(() => /\w/.test(document.querySelector("output").textContent));

    await page.goto(`${home.origin}/react/index.html?model=${encodeURIComponent(`${cdn.origin}/model`)}`);
    await page.type("input", "Tell me of the sea.");
    await page.keyboard.press("Enter");
    // Stopped by the page itself as soon as there is a word: a model this small has written all before a click arrives.
    await page.waitForFunction(() => {
      const begun = /\w/.test(document.querySelector("li.assistant")?.textContent ?? "");
      if (begun) document.querySelector("button[type=button]").click();
      return begun;
    });
    await page.waitForFunction(() => document.querySelector("[role=status]").textContent === "");
    const stopped = await page.$eval("li.assistant", (item) => item.textContent.split(" ").length);
    assert.ok(stopped < 900, `${stopped} words`); // of 1,024 tokens
    await page.type("input", "And the star?");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() =>
      /\w/.test(document.querySelectorAll("li.assistant")[1]?.textContent ?? ""),
    );
    assert.deepEqual(await page.$$eval("li.user", (items) => items.map(({ textContent }) => textContent)), [
      "Tell me of the sea.",
      "And the star?",
    ]);
    assert.deepEqual(faults, []);
  } finally {
    await browser.close();
  }
});
