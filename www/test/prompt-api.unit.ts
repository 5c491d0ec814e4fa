/** LanguageModel: the cases of the published web-platform tests, of an engine that echoes. */
import assert from "node:assert/strict";
import { afterEach, describe, mock, test } from "node:test";
import { type LoadOptions, Samba } from "../engine/client.ts";
import { CancelledError, NetworkError } from "../engine/errors.ts";
import { type LanguageModel, type LanguageModelFactory, languageModel } from "../prompt-api/index.ts";
import { caught, echo } from "./echo.ts";

// Node has no such event.
globalThis.ProgressEvent ??= class extends Event {
  readonly lengthComputable: boolean;
  readonly loaded: number;
  readonly total: number;
  constructor(type: string, { lengthComputable = false, loaded = 0, total = 0 }: ProgressEventInit = {}) {
    super(type);
    this.lengthComputable = lengthComputable;
    this.loaded = loaded;
    this.total = total;
  }
} as typeof ProgressEvent;

const question = "Please write a sentence in English.";
const rating = {
  type: "object",
  required: ["Rating"],
  additionalProperties: false,
  properties: { Rating: { type: "number", minimum: 0, maximum: 5 } },
};
const named = async (name: string, work: () => unknown) => {
  const error = await caught(work);
  assert.equal(error.name, name, error.message);
  return error;
};
/** The names of DOMExceptions are theirs alone: a TypeError is the language's. */
const dom = async (name: string, work: () => unknown) =>
  assert.ok((await named(name, work)) instanceof DOMException);
const collect = async (stream: ReadableStream<string>) => {
  const pieces: string[] = [];
  for await (const piece of stream) pieces.push(piece);
  return pieces;
};
const session = () => languageModel(echo().samba).create();

/** An abort ends a promise with its reason, before and while it runs. */
async function aborts(work: (signal: AbortSignal) => Promise<unknown>) {
  for (const reason of [undefined, new Error("enough")]) {
    const controller = new AbortController();
    const running = caught(() => work(controller.signal));
    controller.abort(reason);
    for (const error of [await running, await caught(() => work(controller.signal))]) {
      if (reason) assert.equal(error, reason);
      else assert.equal(error.name, "AbortError");
    }
  }
}

describe("create", () => {
  test("a session has what the draft says, and its class", async () => {
    const LanguageModel = languageModel(echo().samba);
    assert.equal(await LanguageModel.availability(), "available");
    const made = await LanguageModel.create();
    assert.ok(made instanceof (LanguageModel as unknown as typeof EventTarget));
    for (const method of ["prompt", "promptStreaming", "append", "measureContextUsage", "clone", "destroy"])
      assert.equal(typeof made[method as keyof typeof made], "function", method);
    assert.equal(made.contextUsage, 0);
    assert.equal(made.contextWindow, Number.POSITIVE_INFINITY);
    assert.equal(made.oncontextoverflow, null);
    for (const gone of ["topK", "temperature", "inputUsage", "inputQuota", "measureInputUsage"])
      assert.ok(!(gone in made), gone);
    await named("TypeError", () => new (LanguageModel as unknown as new () => unknown)());
  });

  test("the monitor hears of progress from 0 to 1, rising, and of none after an abort", async () => {
    const LanguageModel = languageModel(echo().samba);
    const heard: ProgressEvent[] = [];
    const monitor = (target: EventTarget) =>
      target.addEventListener("downloadprogress", (event) => heard.push(event as ProgressEvent));
    await LanguageModel.create({ monitor });
    assert.deepEqual(
      heard.map(({ loaded, total, lengthComputable }) => [loaded, total, lengthComputable]),
      [
        [0, 1, true],
        [1, 1, true],
      ],
    );
    for (const at of [0, 1]) {
      const controller = new AbortController();
      const reason = new Error("enough");
      const seen: number[] = [];
      const error = await caught(() =>
        LanguageModel.create({
          signal: controller.signal,
          monitor: (target) =>
            target.addEventListener("downloadprogress", (event) => {
              seen.push((event as ProgressEvent).loaded);
              if (seen.at(-1) === at) controller.abort(reason);
            }),
        }),
      );
      assert.equal(error, reason);
      assert.equal(seen.at(-1), at);
    }
    const thrown = new Error("no");
    const refuses = () => {
      throw thrown;
    };
    assert.equal(await caught(() => LanguageModel.create({ monitor: refuses })), thrown);
  });

  test("initialPrompts: read before, counted, a system message first or not at all", async () => {
    const { samba, asked } = echo();
    const LanguageModel = languageModel(samba);
    const system = { role: "system", content: "You are a robot." } as const;
    const user = { role: "user", content: "hello" } as const;
    const assistant = { role: "assistant", content: "hello" } as const;
    for (const initialPrompts of [[system, user, assistant], [user, assistant], [system]]) {
      const made = await LanguageModel.create({ initialPrompts });
      const read = asked.findLast(({ type }) => type === "absorb") as { messages: unknown[] };
      assert.equal(read.messages.length, initialPrompts.length);
      assert.ok(made.contextUsage > 0);
      assert.equal(made.contextUsage, await made.measureContextUsage(initialPrompts));
    }
    assert.equal((await LanguageModel.create({ initialPrompts: [] })).contextUsage, 0);
    await named("TypeError", () => LanguageModel.create({ initialPrompts: [user, system] }));
    await named("TypeError", () => LanguageModel.create({ initialPrompts: [system, system, user] }));
  });

  test("options that are wrong in themselves, and those that the model cannot meet", async () => {
    const LanguageModel = languageModel(echo().samba);
    const languages = ["en-abc-invalid"];
    for (const work of [LanguageModel.create, LanguageModel.availability]) {
      await named("RangeError", () => work({ expectedInputs: [{ type: "text", languages }] }));
      await named("TypeError", () => work({ expectedInputs: [{ type: "smell" as "text" }] }));
    }
    assert.ok(await LanguageModel.create({ expectedInputs: [{ type: "text", languages: ["EN"] }] }));
    for (const options of [
      { expectedInputs: [{ type: "image" }] },
      { expectedOutputs: [{ type: "audio" }] },
      { tools: [{ name: "weather" }] },
    ] as const) {
      assert.equal(await LanguageModel.availability(options), "unavailable");
      await dom("NotSupportedError", () => LanguageModel.create(options));
    }
    await named("RangeError", () => LanguageModel.create({ topK: 0, temperature: 1 }));
    await named("RangeError", () => LanguageModel.create({ topK: 1, temperature: -1 }));
    await named("TypeError", () => LanguageModel.create({ samplingMode: "creative", topK: 3 }));
    await named("TypeError", () => LanguageModel.create({ samplingMode: "wild" as "creative" }));
  });

  test("a sampling mode moves the model's own temperature", async () => {
    for (const [samplingMode, temperature] of [
      ["most-predictable", 0],
      ["balanced", 0.8],
      ["creative", 1.04],
    ] as const) {
      const { samba, asked } = echo();
      const made = await languageModel(samba).create({ samplingMode });
      assert.equal(made.samplingMode, samplingMode);
      await made.prompt("hi");
      const { temperature: sent } = asked.find(({ type }) => type === "generate") as { temperature: number };
      assert.ok(Math.abs(sent - temperature) < 1e-9, `${samplingMode}: ${sent}`);
    }
  });

  test("an abort", () => aborts((signal) => languageModel(echo().samba).create({ signal })));
});

describe("prompt", () => {
  test("answers, and counts both", async () => {
    const made = await session();
    const before = await made.measureContextUsage(question);
    assert.ok(before > 0);
    assert.equal(await made.prompt(question), question);
    const answer = await made.measureContextUsage(question);
    assert.ok(Math.abs(made.contextUsage - before - answer) <= 5);
  });

  test("what is no text becomes one; empty inputs are questions", async () => {
    const made = await session();
    assert.match(await made.prompt({} as string), /\[object Object\]/);
    assert.equal(await made.prompt(null as unknown as string), "null");
    assert.equal(await made.prompt(undefined as unknown as string), "undefined");
    assert.match(await made.prompt({ role: "system", content: "foo" } as unknown as string), /object/);
    for (const empty of ["", [], [{ role: "user", content: [] }], [{ role: "user", content: "" }]] as const)
      assert.equal(await made.prompt(empty), "");
  });

  test("the conversation is handed on, texts of a message put together", async () => {
    const { samba, asked } = echo();
    const made = await languageModel(samba).create({
      initialPrompts: [{ role: "system", content: "Be brief." }],
    });
    await made.prompt("one");
    await made.prompt([
      { role: "user", content: "two" },
      { role: "assistant", content: "and" },
      {
        role: "user",
        content: [
          { type: "text", value: "th" },
          { type: "text", value: "ree" },
        ],
      },
    ]);
    const { messages } = asked.findLast(({ type }) => type === "generate") as { messages: unknown[] };
    assert.deepEqual(
      messages.map((message) => Object.values(message as object)),
      [
        ["system", "Be brief."],
        ["user", "one"],
        ["assistant", "one"],
        ["user", "two"],
        ["assistant", "and"],
        ["user", "three"],
      ],
    );
  });

  test("messages that are wrong", async () => {
    const made = await session();
    const user = { role: "user", content: "foo" } as const;
    const system = { role: "system", content: "bar" } as const;
    for (const method of ["prompt", "append", "measureContextUsage"] as const) {
      const call = (input: unknown) => made[method](input as string);
      await named("TypeError", () => call([user, system]));
      await named("TypeError", () => call([system, system]));
      await named("TypeError", () => call([{ role: "robot", content: "x" }]));
      await named("TypeError", () => call([{ role: "user" }]));
      await named("TypeError", () => call([{ role: "user", content: [{ type: "text", value: 5 }] }]));
      await named("TypeError", () => call([{ role: "user", content: [{ type: "smell", value: "x" }] }]));
      await named("TypeError", () => call([3]));
      await dom("NotSupportedError", () => call([{ role: "user", content: [{ type: "image", value: {} }] }]));
      await dom("NotSupportedError", () =>
        call([{ role: "assistant", content: [{ type: "audio", value: {} }] }]),
      );
      await dom("SyntaxError", () => call([{ ...user, prefix: true }]));
      await dom("SyntaxError", () => call([{ role: "assistant", content: "x", prefix: true }, user]));
    }
    assert.equal(made.contextUsage, 0);
    await made.prompt([system]);
    await named("TypeError", () => made.prompt([system]));
    await named("TypeError", () => made.append([system]));
  });

  test("several at once are answered in order", async () => {
    const { samba, asked } = echo();
    const made = await languageModel(samba).create();
    assert.deepEqual(await Promise.all([made.prompt("a b"), made.prompt("a b"), made.prompt("c")]), [
      "a b",
      "a b",
      "c",
    ]);
    const sent = asked.filter(({ type }) => type === "generate") as { messages: unknown[] }[];
    assert.deepEqual(
      sent.map(({ messages }) => messages.length),
      [1, 3, 5],
    );
  });

  test("an abort ends it and leaves the session as it was", async () => {
    const { samba, asked } = echo();
    const made = await languageModel(samba).create();
    await aborts((signal) => made.prompt("forever", { signal }));
    assert.equal(made.contextUsage, 0);
    const controller = new AbortController();
    const running = caught(() => made.prompt("forever", { signal: controller.signal }));
    const queued = made.prompt("after");
    await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort();
    assert.equal((await running).name, "AbortError");
    assert.equal(await queued, "after");
    const { messages } = asked.findLast(({ type }) => type === "generate") as { messages: unknown[] };
    assert.equal(messages.length, 1);
    await named("TypeError", () => made.prompt("x", { signal: {} as AbortSignal }));
  });

  test("an answer that begins as the assistant's message does", async () => {
    const { samba, asked } = echo();
    const made = await languageModel(samba).create();
    const answer = await made.prompt([
      { role: "user", content: "hello" },
      { role: "assistant", content: "Greetings ", prefix: true },
    ]);
    assert.equal(answer, "Greetings "); // the echo of what it goes on from
    const generated = asked.at(-1) as { open?: boolean; messages: { content: string }[] };
    assert.equal(generated.open, true);
    assert.deepEqual(
      generated.messages.map(({ content }) => content),
      ["hello", "Greetings "],
    );
    await made.prompt("and?");
    const { messages } = asked.findLast(({ type }) => type === "generate") as {
      messages: { content: string }[];
    };
    assert.deepEqual(
      messages.map(({ content }) => content),
      ["hello", "Greetings Greetings ", "and?"],
    );
  });
});

describe("responseConstraint", () => {
  test("a schema is handed to the engine, and not written into the prompt", async () => {
    const { samba, asked } = echo();
    const made = await languageModel(samba).create();
    for (const omitResponseConstraintInput of [false, true]) {
      const answer = await made.prompt("hello", { responseConstraint: rating, omitResponseConstraintInput });
      assert.equal(JSON.parse(answer).Rating, 4);
    }
    const sent = asked.find(({ type }) => type === "generate") as { schema: unknown; messages: unknown[] };
    assert.deepEqual(sent.schema, rating);
    assert.equal(sent.messages.length, 1);
    assert.ok((await made.measureContextUsage("hi", { responseConstraint: rating })) > 0);
  });

  test("what is no schema, or more than the engine holds answers to", async () => {
    const made = await session();
    const circular: { self?: object } = {};
    circular.self = circular;
    await dom("NotSupportedError", () => made.prompt(question, { responseConstraint: circular }));
    const regexp = await named("NotSupportedError", () => made.prompt(question, { responseConstraint: /a/ }));
    assert.match(regexp.message, /RegExp/);
    const refused = await named("NotSupportedError", () =>
      made.prompt("x", { responseConstraint: { not: {} } }),
    );
    assert.equal(refused.message, "schema.not is not supported.");
    await named("TypeError", () => made.prompt("x", { responseConstraint: null as unknown as object }));
    await named("TypeError", () => made.measureContextUsage("x", { omitResponseConstraintInput: true }));
    const begun = [{ role: "assistant", content: "{", prefix: true }] as const;
    await dom("NotSupportedError", () => made.prompt(begun, { responseConstraint: rating }));
    const short = await languageModel(echo().samba, { maxTokens: 1 }).create();
    const cut = await named("UnknownError", () => short.prompt("x", { responseConstraint: rating }));
    assert.match(cut.message, /cut at 1 tokens/);
  });
});

describe("promptStreaming", () => {
  test("pieces of the answer", async () => {
    const made = await session();
    const stream = made.promptStreaming("one two three");
    assert.ok(stream instanceof ReadableStream);
    assert.deepEqual(await collect(stream), ["one ", "two ", "three"]);
    for (const odd of [null, undefined, {}, [], ""]) await collect(made.promptStreaming(odd as string));
    const both = [made.promptStreaming("a b"), made.promptStreaming("c d")].map(collect);
    assert.deepEqual(
      (await Promise.all(both)).map((pieces) => pieces.join("")),
      ["a b", "c d"],
    );
    await dom("NotSupportedError", () => collect(made.promptStreaming("x", { responseConstraint: /a/ })));
  });

  test("an abort errors the stream with its reason, and is thrown where it came before", async () => {
    const made = await session();
    for (const reason of [undefined, new DOMException("test", "VersionError")]) {
      const controller = new AbortController();
      const stream = made.promptStreaming("forever", { signal: controller.signal });
      controller.abort(reason);
      const errors = [
        await caught(() => stream.pipeTo(new WritableStream())),
        await caught(() => made.promptStreaming("x", { signal: controller.signal })),
      ];
      for (const error of errors) {
        if (reason) assert.equal(error, reason);
        else assert.equal(error.name, "AbortError");
      }
    }
    const controller = new AbortController();
    await collect(made.promptStreaming("hi", { signal: controller.signal }));
    controller.abort(); // after it: nothing happens
    assert.equal(await made.prompt("still"), "still");
  });

  test("canceling it ends the answer", async () => {
    const made = await session();
    const reader = made.promptStreaming("forever").getReader();
    assert.equal((await reader.read()).value, "on ");
    await reader.cancel();
    assert.equal(await made.prompt("next"), "next");
  });
});

describe("append, clone, destroy", () => {
  test("append reads and counts", async () => {
    const made = await session();
    const more = await made.measureContextUsage(question);
    assert.equal(await made.append(question), undefined);
    assert.equal(made.contextUsage, more);
    await made.append([]);
    assert.equal(made.contextUsage, more);
    await made.append({} as string);
    assert.ok(made.contextUsage > more);
    await dom("NotSupportedError", () => made.append([{ role: "assistant", content: "x", prefix: true }]));
    await aborts((signal) => made.append("hello", { signal }));
  });

  test("a clone goes on by itself", async () => {
    const { samba, asked } = echo();
    const made = await languageModel(samba).create({ samplingMode: "creative" });
    await made.prompt(question);
    const clone = await made.clone();
    assert.equal(clone.contextWindow, made.contextWindow);
    assert.equal(clone.contextUsage, made.contextUsage);
    assert.equal(clone.samplingMode, "creative");
    assert.equal(await clone.prompt("hi"), "hi");
    assert.ok(clone.contextUsage > made.contextUsage);
    assert.deepEqual(
      (asked.filter(({ type }) => type === "generate") as { session: number }[]).map(
        ({ session }) => session,
      ),
      [1, 2],
    );
    made.destroy();
    assert.equal(await clone.prompt("still"), "still");
    await aborts((signal) => clone.clone({ signal }));
  });

  test("what a destroyed session was asked ends, what it is asked is refused, what it knows stays", async () => {
    const { samba, asked } = echo();
    const made = await languageModel(samba).create();
    const running = [made.prompt("forever"), collect(made.promptStreaming("forever"))];
    const errors = Promise.all(running.map((work) => caught(() => work)));
    made.destroy();
    made.destroy();
    for (const { name } of await errors) assert.equal(name, "InvalidStateError");
    for (const work of [
      () => made.prompt("x"),
      () => made.promptStreaming("x"),
      () => made.append("x"),
      () => made.clone(),
      () => made.measureContextUsage("x"),
    ])
      await dom("InvalidStateError", work);
    assert.equal(typeof made.contextUsage, "number");
    assert.equal(asked.filter(({ type }) => type === "drop").length, 1);
  });
});

describe("loading", () => {
  afterEach(() => mock.restoreAll());

  /** Loadings that the test ends, each as its options were. */
  function loads() {
    const begun: (LoadOptions & { end: (engine: Samba) => void; fail: (error: Error) => void })[] = [];
    mock.method(Samba, "load", (_: string, options: LoadOptions) => {
      return new Promise<Samba>((end, fail) => {
        begun.push({ ...options, end, fail });
        options.signal?.addEventListener("abort", () => fail(new CancelledError("cancelled", "Cancelled.")));
      });
    });
    return begun;
  }
  const progress = (loaded: number, total: number) =>
    ({ type: "progress", id: 1, phase: "download", loaded, total }) as const;

  test("creates share one; an abort leaves it to the others, and each hears of progress", async () => {
    const begun = loads();
    const LanguageModel = languageModel("model/");
    const heard: number[][] = [[], []];
    const controllers = [new AbortController(), new AbortController()];
    const made = controllers.map(({ signal }, i) =>
      LanguageModel.create({
        signal,
        monitor: (target) =>
          target.addEventListener("downloadprogress", (event) => {
            heard[i]?.push((event as ProgressEvent).loaded);
          }),
      }),
    );
    const first = caught(() => made[0]);
    await new Promise(setImmediate);
    assert.equal(await LanguageModel.availability(), "downloading");
    begun[0]?.onProgress?.(progress(1, 4));
    controllers[0]?.abort();
    assert.equal((await first).name, "AbortError");
    begun[0]?.onProgress?.(progress(1, 3));
    begun[0]?.onProgress?.(progress(3, 3));
    begun[0]?.end(echo().samba);
    await made[1];
    assert.equal(begun.length, 1);
    assert.deepEqual(heard[0], [0, 0.25]);
    assert.deepEqual(heard[1]?.at(-1), 1);
    for (const loaded of heard[1] ?? []) assert.equal((loaded * 0x10000) % 1, 0);
    assert.deepEqual(heard[1]?.length, 5); // 0, 1/4, 1/3, all but the last step, 1
    assert.equal(await LanguageModel.availability(), "available");
  });

  test("the last create that leaves ends it; one that failed is begun again", async () => {
    const begun = loads();
    const LanguageModel = languageModel("model/");
    const controller = new AbortController();
    const left = caught(() => LanguageModel.create({ signal: controller.signal }));
    await new Promise(setImmediate);
    controller.abort();
    await left;
    assert.equal(begun[0]?.signal?.aborted, true);
    const failed = caught(() => LanguageModel.create());
    await new Promise(setImmediate);
    begun[1]?.fail(new NetworkError("network", "The line is cut."));
    const error = await failed;
    assert.deepEqual([error.name, error.message], ["NetworkError", "The line is cut."]);
    const last = LanguageModel.create();
    await new Promise(setImmediate);
    begun[2]?.end(echo().samba);
    assert.equal(await (await last).prompt("hi"), "hi");
  });
});

describe("what nobody wants any more is given back", () => {
  const given = (asked: { type: string }[], type: string) => asked.filter((one) => one.type === type).length;

  test("a session whose making is aborted at its last step", async () => {
    const { samba, asked } = echo();
    const stop = new AbortController();
    const fork = samba.state.fork.bind(samba.state);
    samba.state.fork = async () => {
      const made = await fork();
      stop.abort();
      return made;
    };
    const error = await caught(() => languageModel(samba).create({ signal: stop.signal }));
    assert.equal(error.name, "AbortError");
    await new Promise(setImmediate);
    assert.deepEqual([given(asked, "fork"), given(asked, "drop")], [1, 1]);
  });

  test("the clone of a session that is destroyed meanwhile", async () => {
    const { samba, asked } = echo();
    const session = await languageModel(samba).create();
    const cloning = caught(() => session.clone());
    await Promise.resolve();
    await Promise.resolve();
    session.destroy();
    assert.equal((await cloning).name, "InvalidStateError");
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(given(asked, "drop"), given(asked, "fork"));
  });
});

describe("the browser's own", () => {
  const scope = globalThis as { LanguageModel?: unknown };
  afterEach(() => {
    delete scope.LanguageModel;
  });
  const native = (availability: string) => {
    const theirs = { prompt: () => "theirs" } as unknown as LanguageModel;
    scope.LanguageModel = { availability: async () => availability, create: async () => theirs };
    return theirs;
  };

  test("answers where it was asked for and is available", async () => {
    const theirs = native("downloadable");
    const LanguageModel = languageModel(echo().samba, { native: true });
    assert.equal(await LanguageModel.availability(), "downloadable");
    assert.equal(await LanguageModel.create(), theirs);
  });

  test("does not where it is not, or was not asked for", async () => {
    const theirs = native("unavailable");
    for (const options of [{ native: true }, {}]) {
      assert.notEqual(await languageModel(echo().samba, options).create(), theirs);
      native("available");
    }
    scope.LanguageModel = languageModel(echo().samba) satisfies LanguageModelFactory;
    const over = languageModel(echo().samba, { native: true });
    assert.equal(await over.availability(), "available");
    assert.equal(await (await over.create()).prompt("ours"), "ours");
  });
});
