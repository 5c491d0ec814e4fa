/** The npm package: packed, installed into an empty project, type-checked and used from a page without a bundler. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { browsers, launch, staticFiles } from "./site.mjs";
import { writeTinyModel } from "./tiny-model.mjs";

const www = fileURLToPath(new URL("..", import.meta.url));
const project = mkdtempSync(join(tmpdir(), "samba-project-"));
const installed = join(project, "node_modules/samba-web");

/** As strict a page as the README promises to work on. */
const strict = (ending) =>
  ending === ".html" && {
    "Content-Security-Policy":
      `default-src 'none'; img-src 'self'; script-src 'self' 'wasm-unsafe-eval' ${elsewhere.origin}; worker-src 'self' blob: ${elsewhere.origin}; ` +
      `connect-src 'self' ${elsewhere.origin}; require-trusted-types-for 'script'; trusted-types samba`,
  };

let home;
let elsewhere;
let state; // saved by the browser and the machine before
before(async () => {
  execFileSync("npm", ["pack", "--silent", "--pack-destination", project], {
    cwd: www,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [tarball] = readdirSync(project);
  writeFileSync(
    join(project, "package.json"),
    JSON.stringify({ name: "project", private: true, type: "module" }),
  );
  execFileSync("npm", ["install", "--silent", "--offline", "--no-audit", "--no-fund", `./${tarball}`], {
    cwd: project,
  });
  writeTinyModel(join(project, "model"));
  writeFileSync(join(project, "index.html"), "<!doctype html><title>project</title>");
  elsewhere = await staticFiles(project, () => ({ "Access-Control-Allow-Origin": "*" }));
  home = await staticFiles(project, strict);
});
after(() => {
  home?.close();
  elsewhere?.close();
  rmSync(project, { recursive: true, force: true });
});

test("the package holds what it needs and nothing else", () => {
  const about = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  assert.deepEqual(Object.keys(about.dependencies ?? {}), []);
  const list = readdirSync(installed, { recursive: true }).sort();
  for (const file of ["LICENSE", "README.md", "dist/client.js", "dist/client.d.ts"])
    assert.ok(list.includes(file), file);
  assert.deepEqual(
    list.filter((file) => /\.(ts|mjs|css|html)$/.test(file) && !file.endsWith(".d.ts")),
    [],
  );
});

test("its types tell OpenAI's shapes from mistakes, for bundlers and for Node's resolution", () => {
  writeFileSync(
    join(project, "use.ts"),
    `import { BadRequestError, type ChatCompletionChunk, inspectState, type ReadInfo, Samba, type StateInfo } from "samba-web";
const samba = await Samba.load("model/", { onProgress: ({ loaded, total }) => console.log(loaded / total), backend: "cpu" });
const messages = [{ role: "user" as const, content: "hello" }];
const answer = await samba.chat.completions.create({ model: "gpt-4o", messages, response_format: { type: "json_object" } });
const said: string | null = answer.choices[0]!.message.content; // null where tools are called and nothing is said
const text: string = said ?? "";
const stream = await samba.chat.completions.create({ messages, stream: true, logprobs: true });
let last: ChatCompletionChunk | undefined;
for await (const chunk of stream) last = chunk;
const more = await samba.completions.create({ prompt: text, n: 2, logit_bias: { 50: -100 } });
const ids: number[] = await samba.tokenize(more.choices[0]!.text);
const speed: number | undefined = last?.usage?.timings.decode;
try {
  // @ts-expect-error a number, not a string
  await samba.chat.completions.create({ messages, temperature: "hot" });
} catch (error) {
  if (error instanceof BadRequestError) console.log(error.param, speed, await samba.detokenize(ids));
}
const saved: Blob = await samba.state.save();
const { position, stateBytes, model }: StateInfo = await samba.state.restore(saved);
const fork: Samba = await samba.state.fork();
const { read }: ReadInfo = await fork.state.read(messages, { open: true, onProgress: ({ loaded }) => console.log(loaded) });
console.log(position, stateBytes, model, read, await inspectState(saved));
fork.unload();
// @ts-expect-error messages are missing
await samba.chat.completions.create({ stream: true });
samba.unload();
`,
  );
  for (const [module, resolution] of [
    ["esnext", "bundler"],
    ["nodenext", "nodenext"],
  ]) {
    const options = [
      "--noEmit",
      "--strict",
      "--target",
      "es2022",
      "--lib",
      "es2023,dom,dom.iterable,dom.asynciterable",
    ];
    execFileSync(
      process.execPath,
      [
        join(www, "node_modules/typescript/bin/tsc"),
        ...options,
        "--module",
        module,
        "--moduleResolution",
        resolution,
        "use.ts",
      ],
      { cwd: project, stdio: "inherit" },
    );
  }
});

/** What a page does with the package; runs in the browser. */
async function use(library, model, backend, elsewhere) {
  const { Samba, BadRequestError, CancelledError, ModelError, NotLoadedError, StateError } = await import(
    library
  );
  const caught = async (work) => {
    try {
      await work();
    } catch (error) {
      return error;
    }
  };
  const out = {};
  const missing = await caught(() => Samba.load(new URL("/nowhere/", location.href), { backend }));
  out.missing = missing instanceof ModelError && missing.code;
  out.aborted =
    (await caught(() => Samba.load(model, { backend, signal: AbortSignal.abort() }))) instanceof
    CancelledError;
  const lost = await caught(() => Samba.load(model, { backend, worker: "/nowhere.js" }));
  out.lost = lost.name === "InternalError" && lost.message.includes("/nowhere.js is there");
  const phases = new Set();
  const samba = await Samba.load(model, { backend, onProgress: ({ phase }) => phases.add(phase) });
  out.phases = [...phases];
  out.about = samba.about.vocab_size;

  // What an OpenAI client's user writes.
  const client = samba;
  const completion = await client.chat.completions.create({
    model: "gpt-4o-mini",
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Say hello." },
    ],
    max_tokens: 8,
    seed: 1,
  });
  out.content = completion.choices[0].message.content;
  out.finish = completion.choices[0].finish_reason;
  out.tokens = completion.usage.completion_tokens;
  const stream = await client.chat.completions.create({
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Say hello." },
    ],
    max_tokens: 8,
    seed: 1,
    stream: true,
  });
  out.streamed = "";
  for await (const chunk of stream) out.streamed += chunk.choices[0]?.delta?.content || "";

  const schema = {
    type: "object",
    properties: {
      mood: { enum: ["good", "bad"] },
      tags: { type: "array", items: { type: "string", maxLength: 4 }, maxItems: 2 },
    },
    required: ["mood", "tags"],
    additionalProperties: false,
  };
  const json = await client.chat.completions.create({
    messages: [{ role: "user", content: "How is it?" }],
    max_tokens: 300,
    response_format: { type: "json_schema", json_schema: { name: "report", strict: true, schema } },
  });
  out.report = JSON.parse(json.choices[0].message.content);
  const several = await client.completions.create({
    prompt: "Once",
    n: 2,
    logprobs: 2,
    max_tokens: 3,
    seed: 4,
  });
  out.several = several.choices.map(({ index, logprobs }) => [
    index,
    logprobs.tokens.length,
    logprobs.text_offset[0],
  ]);
  out.roundTrip = await samba.detokenize(await samba.tokenize(" the sea é"));
  out.prompt = (await samba.tokenize([{ role: "user", content: "hi" }])).length;

  // A conversation's state: what goes on from it costs no reading and says the same.
  const ask = { role: "user", content: "Tell me of the sea." };
  const one = await client.chat.completions.create({ messages: [ask], max_tokens: 12, seed: 3 });
  const next = { messages: [ask, one.choices[0].message, { role: "user", content: "And?" }], seed: 5 };
  const goOn = async (from) => {
    const { choices, usage } = await from.chat.completions.create({ ...next, max_tokens: 8 });
    const read = usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens;
    return JSON.stringify([choices[0].message.content, read, usage.context_tokens]);
  };
  const saved = await samba.state.save();
  const info = await samba.state.inspect(saved);
  out.info = [info.stateBytes === saved.size, info.model === samba.about.hash, info.position];
  const said = [await goOn(samba)];
  const restored = await samba.state.restore(saved);
  out.restored = [restored.position, JSON.parse(said[0])[1]];
  const fork = await samba.state.fork();
  said.push(await goOn(fork), await goOn(samba));
  out.same = new Set(said).size;
  fork.unload();
  out.dropped = (await caught(() => fork.state.save())) instanceof NotLoadedError;
  const bytes = new Uint8Array(await saved.arrayBuffer());
  bytes[3000] ^= 1;
  const damaged = await caught(() => samba.state.restore(new Blob([bytes])));
  out.damaged = damaged instanceof StateError && damaged.message;
  out.cut = (await caught(() => samba.state.inspect(saved.slice(0, 9000))))?.message;
  bytes[3000] ^= 1;
  out.state = [...bytes];
  if (elsewhere) {
    const { position } = await samba.state.restore(new Blob([new Uint8Array(elsewhere)]));
    out.elsewhere = [position, JSON.parse(await goOn(samba))[1]];
  }
  const book = "the sea and the star over the old house ".repeat(60);
  const reading = new AbortController();
  await samba.state.reset();
  const begun = await samba.state.read([{ role: "user", content: book }], {
    open: true,
    signal: reading.signal,
    onProgress: () => reading.abort(),
  });
  out.begun = [begun.cancelled, begun.read > 0, begun.read < book.length, begun.position > 0];
  const read = await samba.state.read([{ role: "user", content: book }], { open: true });
  const about = await client.chat.completions.create({
    messages: [{ role: "user", content: `${book} What was that?` }],
    max_tokens: 1,
  });
  const uncached = about.usage.prompt_tokens - about.usage.prompt_tokens_details.cached_tokens;
  out.read = [read.cancelled, read.read === book.length, uncached < 40];

  const bad = await caught(() =>
    client.chat.completions.create({ messages: [{ role: "user", content: "x" }], top_p: 2 }),
  );
  out.bad = bad instanceof BadRequestError && bad.param;
  const unsupported = await caught(() =>
    client.chat.completions.create({
      messages: [{ role: "user", content: "x" }],
      response_format: {
        type: "json_schema",
        json_schema: { schema: { properties: { a: { not: { const: 1 } } } } },
      },
    }),
  );
  out.unsupported = unsupported instanceof BadRequestError && unsupported.param;

  const controller = new AbortController();
  const endless = await client.chat.completions.create(
    {
      messages: [{ role: "user", content: "go on" }],
      max_tokens: 100000,
      stream: true,
      logit_bias: { [out.about - 1]: -100 },
    },
    { signal: controller.signal },
  );
  let reason;
  let seen = 0;
  for await (const chunk of endless) {
    if (++seen === 5) controller.abort();
    reason = chunk.choices[0]?.finish_reason ?? reason;
  }
  out.cancelled = [reason, seen < 500];
  samba.unload();
  const gone = await caught(() => samba.tokenize("x"));
  out.gone = gone instanceof NotLoadedError;
  return out;
}

for (const name of browsers) {
  describe(name, () => {
    let browser;
    before(async () => {
      browser = await launch(name);
    });
    after(() => browser?.close());

    const visit = async (origin, backend) => {
      const page = await browser.newPage();
      const faults = [];
      page.on("pageerror", (error) => faults.push(error.message));
      await page.goto(`${home.origin}/index.html`);
      const out = await page.evaluate(
        use,
        `${origin}/node_modules/samba-web/dist/client.js`,
        `${home.origin}/model`,
        backend,
        state,
      );
      await page.close();
      assert.deepEqual(
        faults.filter((fault) => !fault.includes("nowhere.js")),
        [],
      );
      assert.equal(out.missing, "missing");
      assert.equal(out.aborted, true);
      assert.equal(out.lost, true);
      assert.deepEqual(out.phases.includes("download"), true);
      assert.equal(out.about, 512);
      assert.equal(out.streamed, out.content);
      assert.match(out.finish, /^(stop|length)$/);
      assert.ok(out.tokens >= 1 && out.tokens <= 8);
      assert.match(out.report.mood, /^(good|bad)$/);
      assert.ok(out.report.tags.length <= 2 && out.report.tags.every((tag) => [...tag].length <= 4));
      assert.deepEqual(
        out.several.map(([index]) => index),
        [0, 1],
      );
      assert.ok(out.several.every(([, tokens, offset]) => tokens >= 1 && tokens <= 3 && offset === 0));
      assert.equal(out.roundTrip, " the sea é");
      assert.ok(out.prompt > 2);
      assert.deepEqual(out.info, [true, true, out.restored[0]]);
      assert.ok(out.restored[1] < 30, `${out.restored[1]} tokens were read to go on`);
      assert.equal(out.same, 1);
      assert.equal(out.dropped, true);
      assert.match(out.damaged, /^The saved state is damaged: its content has another checksum/);
      assert.match(out.cut, /^The saved state is cut short: it has 9000 bytes/);
      if (state) assert.ok(out.elsewhere[0] > 0 && out.elsewhere[1] > 0);
      state = out.state;
      assert.deepEqual(out.begun, [true, true, true, true]);
      assert.deepEqual(out.read, [false, true, true]);
      assert.equal(out.bad, "top_p");
      assert.equal(out.unsupported, "schema.properties.a.not");
      assert.deepEqual(out.cancelled, ["cancelled", true]);
      assert.equal(out.gone, true);
    };

    if (name === "chromium") test("from its own server, on WebGPU", () => visit(home.origin, "webgpu"));
    test("from another origin, on the processor", () => visit(elsewhere.origin, "cpu"));
  });
}
