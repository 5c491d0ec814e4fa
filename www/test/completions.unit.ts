/** OpenAI's shapes over an engine that says what the test tells it to. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type ChatCompletionParams,
  ChatCompletions,
  type CompletionParams,
  Completions,
} from "../engine/completions.ts";
import type { Asked, Connection } from "../engine/connection.ts";
import { BadRequestError, CancelledError, errorOf } from "../engine/errors.ts";
import type { Done, Reply, Text } from "../engine/protocol.ts";

const done: Done = {
  type: "done",
  id: 1,
  finish_reason: "stop",
  usage: { prompt_tokens: 9, prefilled_tokens: 4, completion_tokens: 3, total_tokens: 12 },
  timings: { prefill: 0.1, first_token: 0.2, decode: 0.3 },
  position: 11,
  state_bytes: 1000,
};
const usage = {
  prompt_tokens: 9,
  completion_tokens: 3,
  total_tokens: 12,
  prompt_tokens_details: { cached_tokens: 5 },
  completion_tokens_details: { reasoning_tokens: 0 },
  timings: done.timings,
  context_tokens: 11,
  state_bytes: 1000,
};
const say = (text: string, more: Partial<Text> = {}): Text => ({
  type: "text",
  id: 1,
  text,
  tokens: 1,
  ...more,
});

/** An engine of given answers that remembers what it was asked, and whether the asker left early. */
function engine(...replies: Reply[]) {
  const seen = { asked: [] as Asked[], left: 0, signal: undefined as AbortSignal | undefined };
  const connection: Connection = {
    async *ask(request, signal) {
      seen.asked.push(request);
      seen.signal = signal;
      let ended = false;
      try {
        for (const reply of replies) {
          if (reply.type === "error") throw errorOf(reply);
          yield reply;
        }
        ended = true;
      } finally {
        if (!ended) seen.left++;
      }
    },
    close() {},
  };
  return { seen, chat: new ChatCompletions(connection, "tiny"), text: new Completions(connection, "tiny") };
}

const messages = [{ role: "user", content: "hello" }];
const sampled = { id: 5, bytes: [104, 105], logprob: -0.5 };

async function all<T>(chunks: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const chunk of chunks) list.push(chunk);
  return list;
}

describe("chat.completions", () => {
  test("a whole answer", async () => {
    const { chat, seen } = engine(say("Hel"), say("lo", { finish_reason: "stop" }), done);
    const answer = await chat.create({
      model: "gpt-4o",
      messages,
      stop: "x",
      max_completion_tokens: 7,
      temperature: 0,
      seed: null,
    });
    assert.deepEqual(seen.asked, [
      { type: "generate", messages, stop: ["x"], max_tokens: 7, temperature: 0 },
    ]);
    assert.match(answer.id, /^chatcmpl-[0-9a-f]{24}$/);
    assert.ok(Math.abs(answer.created - Date.now() / 1000) < 5);
    const { id: _, created: __, ...rest } = answer;
    assert.deepEqual(rest, {
      object: "chat.completion",
      model: "tiny",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "Hello", refusal: null },
          finish_reason: "stop",
          logprobs: null,
        },
      ],
      usage,
    });
  });

  test("a stream: role, one chunk a token, reason, usage", async () => {
    const progress: Reply = { type: "progress", id: 1, phase: "prefill", loaded: 4, total: 4 };
    const { chat } = engine(progress, say("Hi"), say("", { finish_reason: "length" }), done);
    const heard: number[] = [];
    const stream = await chat.create({
      messages,
      stream: true,
      stream_options: { include_usage: true },
      onProgress: ({ loaded }) => heard.push(loaded),
    });
    const chunks = await all(stream);
    assert.deepEqual(heard, [4]);
    assert.equal(new Set(chunks.map(({ id }) => id)).size, 1);
    assert.deepEqual(
      chunks.map(({ object, choices, usage }) => ({ object, choices, usage })),
      [
        { delta: { role: "assistant", content: "" }, finish_reason: null },
        { delta: { content: "Hi" }, finish_reason: null },
        { delta: { content: "" }, finish_reason: null },
        { delta: {}, finish_reason: "length" },
        undefined,
      ].map((choice) => ({
        object: "chat.completion.chunk",
        choices: choice ? [{ index: 0, ...choice, logprobs: null }] : [],
        usage: choice ? null : usage,
      })),
    );
  });

  test("several choices, and log probabilities", async () => {
    const logprobs = [{ ...sampled, top: [sampled] }];
    const { chat, seen } = engine(
      say("hi", { logprobs, finish_reason: "stop" }),
      say("hi", { choice: 1, logprobs, finish_reason: "length" }),
      done,
    );
    const answer = await chat.create({ messages, n: 2, logprobs: true, top_logprobs: 1 });
    assert.deepEqual(seen.asked, [{ type: "generate", messages, n: 2, top_logprobs: 1 }]);
    const plain = { token: "hi", bytes: [104, 105], logprob: -0.5 };
    const want = { content: [{ ...plain, top_logprobs: [plain] }], refusal: null };
    assert.deepEqual(
      answer.choices.map(({ index, finish_reason, logprobs }) => ({ index, finish_reason, logprobs })),
      [
        { index: 0, finish_reason: "stop", logprobs: want },
        { index: 1, finish_reason: "length", logprobs: want },
      ],
    );
  });

  test("content of parts, and the developer's role", async () => {
    const { chat, seen } = engine(done);
    await chat.create({
      messages: [
        { role: "developer", content: "be brief" },
        {
          role: "user",
          content: [
            { type: "text", text: "a" },
            { type: "text", text: "b" },
          ],
          name: "me",
        },
      ],
    });
    assert.deepEqual((seen.asked[0] as { messages: object }).messages, [
      { role: "system", content: "be brief" },
      { role: "user", content: "ab" },
    ]);
  });

  test("response formats become schemas", async () => {
    const schema = { type: "object", properties: { a: { type: "integer" } } };
    for (const [response_format, want] of [
      [{ type: "text" }, undefined],
      [{ type: "json_object" }, { type: "object" }],
      [{ type: "json_schema", json_schema: { name: "x", strict: true, schema } }, schema],
    ] as const) {
      const { chat, seen } = engine(done);
      await chat.create({ messages, response_format });
      assert.deepEqual((seen.asked[0] as { schema?: object }).schema, want);
    }
  });

  test("an abort ends a stream with a reason and a whole answer with an error", async () => {
    const cancelled: Done = { ...done, finish_reason: "cancelled" };
    const controller = new AbortController();
    const { chat, seen } = engine(say("Hi"), cancelled);
    const stream = await chat.create({ messages, stream: true }, { signal: controller.signal });
    controller.abort();
    assert.equal(seen.signal?.aborted, true);
    const chunks = await all(stream);
    assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, "cancelled");
    const own = engine(say("Hi"), cancelled);
    (await own.chat.create({ messages, stream: true })).controller.abort();
    assert.equal(own.seen.signal?.aborted, true);
    await assert.rejects(engine(say("Hi"), cancelled).chat.create({ messages }), CancelledError);
  });

  test("leaving the loop leaves the engine", async () => {
    const { chat, seen } = engine(say("a"), say("b"), done);
    for await (const { choices } of await chat.create({ messages, stream: true })) {
      if (choices[0]?.delta.content === "a") break;
    }
    assert.equal(seen.left, 1);
  });

  test("the engine's refusal comes out of create, with the field's name", async () => {
    const refusal: Reply = {
      type: "error",
      id: 1,
      code: "bad_request",
      message: "Top_p is 2.",
      param: "top_p",
    };
    for (const stream of [true, false]) {
      await assert.rejects(
        engine(refusal).chat.create({ messages, top_p: 2, stream }),
        (error: BadRequestError) => error instanceof BadRequestError && error.param === "top_p",
      );
    }
  });

  const call = {
    id: "call_1",
    type: "function",
    function: { name: "find", arguments: '{"word":"a"}' },
  } as const;

  test("tools, thoughts, and what earlier turns had of them", async () => {
    const { chat, seen } = engine(done);
    const tools = [{ type: "function", function: { name: "find", parameters: { type: "object" } } }] as const;
    await chat.create({
      messages: [
        { role: "user", content: "find a" },
        { role: "assistant", content: null, tool_calls: [call], reasoning_content: "I could." },
        { role: "tool", content: "here", tool_call_id: "call_1" },
      ],
      tools,
      tool_choice: "required",
      parallel_tool_calls: false,
      reasoning_effort: "low",
      reasoning_budget: 9,
      enable_thinking: null,
    });
    assert.deepEqual(seen.asked, [
      {
        type: "generate",
        tools,
        tool_choice: "required",
        parallel_tool_calls: false,
        reasoning_effort: "low",
        reasoning_budget: 9,
        messages: [
          { role: "user", content: "find a" },
          { role: "assistant", content: "", tool_calls: [call], reasoning_content: "I could." },
          { role: "tool", content: "here", tool_call_id: "call_1" },
        ],
      },
    ]);
  });

  test("a thought and calls, whole and in chunks", async () => {
    const second = { ...call, id: "call_2" };
    const replies = [
      say("", { reasoning: "So" }),
      say("", { reasoning: "." }),
      say("", { tool_calls: [call] }),
      say("", { tool_calls: [second], finish_reason: "tool_calls" }),
      { ...done, finish_reason: "tool_calls", usage: { ...done.usage, reasoning_tokens: 2 } },
    ];
    const whole = await engine(...replies).chat.create({ messages });
    assert.equal(whole.usage.completion_tokens_details.reasoning_tokens, 2);
    assert.equal(whole.choices[0]?.finish_reason, "tool_calls");
    assert.deepEqual(whole.choices[0]?.message, {
      role: "assistant",
      content: null,
      refusal: null,
      reasoning_content: "So.",
      tool_calls: [call, second],
    });
    const chunks = await all(await engine(...replies).chat.create({ messages, stream: true }));
    assert.deepEqual(
      chunks.map(({ choices }) => choices[0]?.delta),
      [
        { role: "assistant", content: "" },
        { reasoning_content: "So" },
        { reasoning_content: "." },
        { tool_calls: [{ index: 0, ...call }] },
        { tool_calls: [{ index: 1, ...second }] },
        {},
      ],
    );
    assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, "tool_calls");
  });

  const circle: { self?: object } = {};
  circle.self = circle;
  for (const [param, wrong] of Object.entries({
    messages: { messages: "hello" },
    "messages[1].role": { messages: [...messages, { content: "a" }] },
    "messages[0].content": { messages: [{ role: "user", content: null }] },
    "messages[0].content[0].type": { messages: [{ role: "user", content: [{ type: "image_url" }] }] },
    temperature: { temperature: "hot" },
    top_p: { top_p: Number.NaN },
    seed: { seed: 12n },
    max_completion_tokens: { max_completion_tokens: "many" },
    stop: { stop: 7 },
    "stop[1]": { stop: ["a", 7] },
    'logit_bias["the"]': { logit_bias: { the: 1 } },
    "logit_bias[5]": { logit_bias: { 5: "low" } },
    logprobs: { logprobs: 3 },
    top_logprobs: { top_logprobs: 3 },
    stream: { stream: "yes" },
    stream_options: { stream_options: { include_usage: true } },
    signal: { signal: {} },
    parallel_tool_calls: { parallel_tool_calls: "yes" },
    reasoning_budget: { reasoning_budget: "long" },
    tools: { tools: circle },
    "messages[0].tool_calls": { messages: [{ role: "user", content: "a", tool_calls: [{}] }] },
    "messages[0].tool_calls[0].type": { messages: [{ role: "assistant", tool_calls: [{ id: "1" }] }] },
    "messages[0].tool_calls[0].function": {
      messages: [{ role: "assistant", tool_calls: [{ id: "1", type: "function", function: { name: "f" } }] }],
    },
    temprature: { temprature: 1 },
    "response_format.type": { response_format: { type: "yaml" } },
    "response_format.json_schema.schema": {
      response_format: { type: "json_schema", json_schema: { schema: circle } },
    },
  })) {
    test(`refuses ${param}`, async () => {
      const { chat, seen } = engine(done);
      await assert.rejects(
        chat.create({ messages, ...wrong } as unknown as ChatCompletionParams),
        (error: BadRequestError) =>
          error instanceof BadRequestError &&
          error.param === param &&
          error.message.startsWith(param) &&
          error.message.length < 200,
      );
      assert.deepEqual(seen.asked, []);
    });
  }
});

describe("completions", () => {
  test("a whole text", async () => {
    const { text, seen } = engine(
      say("hi", { logprobs: [{ ...sampled, top: [sampled] }] }),
      say("hi", { logprobs: [{ ...sampled, top: [sampled] }], finish_reason: "length" }),
      done,
    );
    const answer = await text.create({ prompt: "Once", logprobs: 1, top_k: 5 });
    assert.deepEqual(seen.asked, [{ type: "generate", prompt: "Once", top_logprobs: 1, top_k: 5 }]);
    assert.deepEqual(answer.choices, [
      {
        index: 0,
        text: "hihi",
        finish_reason: "length",
        logprobs: {
          tokens: ["hi", "hi"],
          token_logprobs: [-0.5, -0.5],
          top_logprobs: [{ hi: -0.5 }, { hi: -0.5 }],
          text_offset: [0, 2],
        },
      },
    ]);
    assert.deepEqual(answer.usage, usage);
  });

  test("a gap between two texts", async () => {
    const { text, seen } = engine(say("b", { finish_reason: "stop" }), done);
    await text.create({ prompt: "", suffix: "c" });
    assert.deepEqual(seen.asked, [{ type: "generate", prompt: "", suffix: "c" }]);
    await assert.rejects(text.create({ prompt: "", suffix: "" }), { param: "prompt" });
    await assert.rejects(text.create({ prompt: "a", suffix: 5 as unknown as string }), { param: "suffix" });
  });

  test("a stream", async () => {
    const { text } = engine(say("a"), say("b", { finish_reason: "stop" }), done);
    const chunks = await all(await text.create({ prompt: "Once", stream: true }));
    assert.deepEqual(
      chunks.map(({ object, choices }) => [object, choices[0]?.text, choices[0]?.finish_reason]),
      [
        ["text_completion", "a", null],
        ["text_completion", "b", "stop"],
      ],
    );
  });

  test("refuses a prompt that is none", async () => {
    for (const prompt of [undefined, "", ["a", "b"]]) {
      await assert.rejects(
        engine(done).text.create({ prompt } as unknown as CompletionParams),
        (error: BadRequestError) => error.param === "prompt",
      );
    }
  });
});
