/** The AI SDK over a Samba model: the package itself, with an engine that echoes. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { generateText, isStepCount, Output, streamText, tool } from "ai";
import { z } from "zod";
import { samba as model } from "../ai-sdk/index.ts";
import type { Generate } from "../engine/protocol.ts";
import { caught, echo } from "./echo.ts";

describe("generateText", () => {
  test("text, reason, usage, and who answered", async () => {
    const { samba, asked } = echo();
    const result = await generateText({
      model: model(samba),
      instructions: "Be brief.",
      messages: [
        { role: "user", content: "one" },
        {
          role: "assistant",
          content: [
            { type: "reasoning", text: "hm" },
            { type: "text", text: "two" },
          ],
        },
        {
          role: "user",
          content: [
            { type: "text", text: "three " },
            { type: "text", text: "four" },
          ],
        },
      ],
      maxOutputTokens: 9,
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      stopSequences: ["x"],
      seed: 7,
      providerOptions: { samba: { min_p: 0.05 } },
    });
    assert.equal(result.text, "three four");
    assert.equal(result.finishReason, "stop");
    assert.equal(result.usage.inputTokens, 9);
    assert.equal(result.usage.inputTokenDetails.cacheReadTokens, 5);
    assert.equal(result.usage.inputTokenDetails.noCacheTokens, 4);
    assert.equal(result.usage.outputTokens, 2);
    assert.equal(result.response.modelId, "echo");
    assert.match(result.response.id, /^chatcmpl-/);
    assert.deepEqual(result.warnings, []);
    assert.deepEqual(asked, [
      {
        type: "generate",
        messages: [
          { role: "system", content: "Be brief." },
          { role: "user", content: "one" },
          { role: "assistant", content: "two", reasoning_content: "hm" },
          { role: "user", content: "three four" },
        ],
        max_tokens: 9,
        temperature: 0.5,
        top_p: 0.9,
        top_k: 40,
        min_p: 0.05,
        seed: 7,
        presence_penalty: 0.1,
        frequency_penalty: 0.2,
        stop: ["x"],
      },
    ]);
  });

  test("an answer cut at its length, and a model that is still being loaded", async () => {
    const { samba } = echo();
    const loading = model(Promise.resolve(samba));
    assert.equal(loading.modelId, "samba");
    const { text, finishReason } = await generateText({
      model: loading,
      prompt: "a b c",
      maxOutputTokens: 2,
    });
    assert.deepEqual([text, finishReason], ["a b ", "length"]);
  });

  test("an object of a schema", async () => {
    const { samba, asked } = echo();
    const { output } = await generateText({
      model: model(samba),
      prompt: "How was it?",
      output: Output.object({ schema: z.object({ Rating: z.number() }), name: "rating" }),
    });
    assert.equal(output.Rating, 4);
    const { schema } = asked[0] as { schema: { required: string[] } };
    assert.deepEqual(schema.required, ["Rating"]);
    await generateText({ model: model(samba), prompt: "How was it?", output: Output.json() });
    assert.deepEqual((asked[1] as { schema: unknown }).schema, { type: "object" });
  });

  test("what is not supported is refused by its name, or warned of", async () => {
    const { samba } = echo();
    const image = { type: "file", data: new Uint8Array([1]), mediaType: "image/png" } as const;
    for (const [more, want] of [
      [{ messages: [{ role: "user", content: [image] }] }, /files of type image\/png are not supported/],
      [{ prompt: "x", providerOptions: { samba: { smell: 1 } } }, /smell is not an argument/],
      [{ prompt: "x", temperature: Number.NaN }, /temperature is .*want a number/],
    ] as const) {
      const options = { model: model(samba), maxRetries: 0, ...more } as unknown as Parameters<
        typeof generateText
      >[0];
      assert.match((await caught(() => generateText(options))).message, want);
    }
    const { warnings } = await generateText({ model: model(samba), prompt: "x", reasoning: "high" });
    assert.equal(warnings?.[0]?.type, "unsupported");
  });

  const tools = {
    weather: tool({
      description: "Tells the weather.",
      inputSchema: z.object({ city: z.string() }),
      execute: ({ city }) => `Sun in ${city}`,
    }),
  };

  test("an agent's loop: a call, its result, an answer", async () => {
    const { samba, asked } = echo();
    const { text, steps } = await generateText({
      model: model(samba),
      prompt: "x",
      tools,
      stopWhen: isStepCount(3),
    });
    assert.equal(text, "Sun in Bonn");
    assert.deepEqual(
      steps.map(({ finishReason }) => finishReason),
      ["tool-calls", "stop"],
    );
    const [first, second] = asked as Generate[];
    const [given] = (first?.tools ?? []) as { function: { name: string; parameters: object } }[];
    assert.equal(given?.function.name, "weather");
    assert.ok(given && "properties" in given.function.parameters);
    assert.deepEqual(second?.messages, [
      { role: "user", content: "x" },
      {
        role: "assistant",
        content: "",
        tool_calls: [
          { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Bonn"}' } },
        ],
      },
      { role: "tool", content: "Sun in Bonn", tool_call_id: "call_1" },
    ]);
  });

  test("a thought and a call in a stream", async () => {
    const { samba, asked } = echo(true);
    const result = streamText({
      model: model(samba),
      prompt: "x",
      tools,
      toolChoice: "required",
      reasoning: "low",
    });
    const types: string[] = [];
    for await (const { type } of result.fullStream) types.push(type);
    assert.deepEqual(
      types.filter((type) => /reasoning|tool/.test(type)),
      [
        "reasoning-start",
        "reasoning-delta",
        "reasoning-end",
        "tool-input-start",
        "tool-input-delta",
        "tool-input-end",
        "tool-call",
        "tool-result",
      ],
    );
    assert.equal(await result.reasoningText, "Hm.");
    const [request] = asked as Generate[];
    assert.equal(request?.tool_choice, "required");
    assert.equal(request?.reasoning_effort, "low");
  });

  test("an abort", async () => {
    const { samba } = echo();
    for (const engine of [samba, new Promise<typeof samba>(() => {})]) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 5);
      const work = () =>
        generateText({
          model: model(engine),
          prompt: "forever",
          maxOutputTokens: 1e6,
          abortSignal: controller.signal,
        });
      assert.equal((await caught(work)).name, "AbortError");
    }
  });
});

describe("streamText", () => {
  test("pieces, then reason and usage", async () => {
    const { samba } = echo();
    const result = streamText({ model: model(samba), prompt: "one two three" });
    const pieces: string[] = [];
    for await (const piece of result.textStream) pieces.push(piece);
    assert.deepEqual(pieces, ["one ", "two ", "three"]);
    assert.equal(await result.finishReason, "stop");
    assert.equal((await result.usage).outputTokens, 3);
    assert.equal((await result.response).modelId, "echo");
  });

  test("an abort ends it with a part that says so", async () => {
    const { samba } = echo();
    const controller = new AbortController();
    const result = streamText({
      model: model(samba),
      prompt: "forever",
      maxOutputTokens: 1e6,
      abortSignal: controller.signal,
    });
    const types: string[] = [];
    for await (const { type } of result.fullStream) {
      types.push(type);
      if (type === "text-delta") controller.abort();
    }
    assert.equal(types.at(-1), "abort");
  });

  test("an engine that fails ends it with an error", async () => {
    const { samba } = echo();
    const errors: unknown[] = [];
    const result = streamText({
      model: model(samba),
      prompt: "x",
      providerOptions: { samba: { top_k: "many" } },
      maxRetries: 0,
      onError: ({ error }) => {
        errors.push(error);
      },
    });
    for await (const _ of result.textStream);
    assert.match(String((errors[0] as Error).message), /top_k is "many", want a number/);
  });
});
