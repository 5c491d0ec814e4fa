/** LangChain over a Samba model: the package itself, with an engine that echoes. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AIMessage, type AIMessageChunk, HumanMessage, SystemMessage } from "@langchain/core/messages";
import { StringOutputParser } from "@langchain/core/output_parsers";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import type { Generate } from "../engine/protocol.ts";
import { ChatSamba } from "../langchain/index.ts";
import { caught, echo } from "./echo.ts";

describe("ChatSamba", () => {
  test("invoke: texts by role, settings of the model and of the call, usage", async () => {
    const { samba, asked } = echo();
    const model = new ChatSamba({ samba, temperature: 0.5, maxTokens: 9, stop: ["x"] });
    const answer = await model.invoke(
      [
        new SystemMessage("Be brief."),
        new HumanMessage("one"),
        new AIMessage("two"),
        new HumanMessage({
          content: [
            { type: "text", text: "three " },
            { type: "text", text: "four" },
          ],
        }),
      ],
      { topK: 4, seed: 7, temperature: 0, stop: ["y"] },
    );
    assert.equal(answer.text, "three four");
    assert.deepEqual(asked, [
      {
        type: "generate",
        messages: [
          { role: "system", content: "Be brief." },
          { role: "user", content: "one" },
          { role: "assistant", content: "two" },
          { role: "user", content: "three four" },
        ],
        max_tokens: 9,
        temperature: 0,
        top_k: 4,
        seed: 7,
        stop: ["y"],
      },
    ]);
    assert.deepEqual(answer.usage_metadata, {
      input_tokens: 9,
      output_tokens: 2,
      total_tokens: 11,
      input_token_details: { cache_read: 5 },
      output_token_details: { reasoning: 0 },
    });
    assert.equal(answer.response_metadata.finish_reason, "stop");
    assert.equal(answer.response_metadata.model_name, "echo");
  });

  test("stream: pieces that add up to the answer", async () => {
    const model = new ChatSamba({ samba: Promise.resolve(echo().samba) });
    let sum: AIMessageChunk | undefined;
    const pieces: string[] = [];
    for await (const chunk of await model.stream("one two three")) {
      if (chunk.text) pieces.push(chunk.text);
      sum = sum ? sum.concat(chunk) : chunk;
    }
    assert.deepEqual(pieces, ["one ", "two ", "three"]);
    assert.equal(sum?.text, "one two three");
    assert.equal((sum?.usage_metadata as { output_tokens: number } | undefined)?.output_tokens, 3);
    assert.equal(sum?.response_metadata.finish_reason, "stop");
  });

  test("batch, and a chain", async () => {
    const model = new ChatSamba({ samba: echo().samba });
    const answers = await model.batch(["one", "two", "three"]);
    assert.deepEqual(
      answers.map(({ text }) => text),
      ["one", "two", "three"],
    );
    const chain = ChatPromptTemplate.fromMessages([["human", "Say {word}"]])
      .pipe(model)
      .pipe(new StringOutputParser());
    assert.equal(await chain.invoke({ word: "hi" }), "Say hi");
  });

  test("callbacks hear of each token", async () => {
    const model = new ChatSamba({ samba: echo().samba });
    const heard: string[] = [];
    const callbacks = [{ handleLLMNewToken: (token: string) => void heard.push(token) }];
    for await (const _ of await model.stream("one two", { callbacks }));
    assert.equal(heard.join(""), "one two");
  });

  test("withStructuredOutput: Zod's schemas, JSON Schemas, with what was said", async () => {
    const { samba, asked } = echo();
    const model = new ChatSamba({ samba });
    const zod = z.object({ Rating: z.number() });
    const json = { type: "object", properties: { Rating: { type: "number" } }, required: ["Rating"] };
    for (const schema of [zod, json]) {
      const answer = await model.withStructuredOutput(schema).invoke("How was it?");
      assert.equal(answer.Rating, 4);
      assert.deepEqual((asked.at(-1) as { schema: { required: string[] } }).schema.required, ["Rating"]);
    }
    const { raw, parsed } = await model.withStructuredOutput(zod, { includeRaw: true }).invoke("How was it?");
    assert.deepEqual([raw.text, parsed], ['{"Rating": 4}', { Rating: 4 }]);
    await model.withStructuredOutput(json, { method: "jsonMode" }).invoke("How was it?");
    assert.deepEqual((asked.at(-1) as { schema: unknown }).schema, { type: "object" });
  });

  test("tools: a call, streamed as well, and what its result answers", async () => {
    const { samba, asked } = echo(true);
    const weather = tool(({ city }) => `Sun in ${city}`, {
      name: "weather",
      description: "Tells the weather.",
      schema: z.object({ city: z.string() }),
    });
    const model = new ChatSamba({ samba, reasoningEffort: "low" }).bindTools([weather], {
      tool_choice: "any",
    });
    const called = await model.invoke("x");
    const call = { type: "tool_call", id: "call_1", name: "weather", args: { city: "Bonn" } } as const;
    assert.deepEqual(called.tool_calls, [call]);
    assert.equal(called.additional_kwargs.reasoning_content, "Hm.");
    const [request] = asked as Generate[];
    assert.equal(request?.tool_choice, "required");
    assert.equal(request?.reasoning_effort, "low");
    assert.equal(((request?.tools ?? []) as { function: { name: string } }[])[0]?.function.name, "weather");
    let whole: AIMessageChunk | undefined;
    for await (const chunk of await model.stream("x")) whole = whole?.concat(chunk) ?? chunk;
    assert.deepEqual(whole?.tool_calls, [call]);
    const result = await weather.invoke(call);
    const answer = await model.invoke([new HumanMessage("x"), called, result]);
    assert.equal(answer.text, "Sun in Bonn");
    assert.deepEqual((asked.at(-1) as Generate).messages?.slice(1), [
      {
        role: "assistant",
        content: "",
        reasoning_content: "Hm.",
        tool_calls: [
          { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Bonn"}' } },
        ],
      },
      { role: "tool", content: "Sun in Bonn", tool_call_id: "call_1" },
    ]);
  });

  test("what is not supported is refused by its name", async () => {
    const model = new ChatSamba({ samba: echo().samba });
    const functions = () => model.withStructuredOutput(z.object({}), { method: "functionCalling" });
    assert.match((await caught(functions)).message, /without calls/);
    const image = new HumanMessage({ content: [{ type: "image_url", image_url: "x" }] });
    assert.match((await caught(() => model.invoke([image]))).message, /no content of type image_url/);
    assert.match(
      (await caught(() => model.invoke("x", { temperature: Number.NaN }))).message,
      /temperature is/,
    );
  });

  test("an abort", async () => {
    const model = new ChatSamba({ samba: echo().samba, maxTokens: 1e6 });
    const invoked = new AbortController();
    setTimeout(() => invoked.abort(), 5);
    const error = await caught(() => model.invoke("forever", { signal: invoked.signal }));
    assert.equal(error.name, "AbortError");
    const streamed = new AbortController();
    let pieces = 0;
    const ended = await caught(async () => {
      for await (const _ of await model.stream("forever", { signal: streamed.signal }))
        if (++pieces === 3) streamed.abort();
    });
    assert.equal(ended.name, "AbortError");
    assert.ok(pieces < 10);
  });
});
