/** Asks a server as OpenAI's package, the Vercel AI SDK and LangChain do: node clients.mjs BASE_URL. Run by tools/server's tests. */
import assert from "node:assert/strict";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { generateText, streamText } from "ai";
import OpenAI from "openai";

const baseURL = process.argv[2];
const asked = [];
const fetching = (url, init) => {
  asked.push(JSON.parse(init.body));
  return fetch(url, init);
};

// OpenAI's package: its own final message goes back as it came, and its users send what they like.
const openai = new OpenAI({ baseURL, apiKey: "key", maxRetries: 0, fetch: fetching });
const settings = { model: "tiny", max_tokens: 6, temperature: 1, seed: 3 };
const first = await openai.chat.completions
  .stream({ ...settings, messages: [{ role: "user", content: "hello" }] })
  .finalChatCompletion();
const parsed = await openai.chat.completions.parse({
  ...settings,
  messages: [{ role: "user", content: "hello" }],
  logit_bias: { 98: 100 },
  stop: "bb", // what is cut off by its length is not parsed
});
for (const { message } of [first.choices[0], parsed.choices[0]]) {
  const next = await openai.chat.completions.create({
    ...settings,
    messages: [{ role: "user", content: "hello" }, message, { role: "user", content: "more" }],
    user: "me",
    store: false,
    metadata: { from: "a test" },
    tools: [],
    logit_bias: {},
    n: 1,
    stop: null,
    frequency_penalty: null,
  });
  assert.ok(next.choices[0].message.content.length > 0);
}
await assert.rejects(
  openai.chat.completions.create({
    ...settings,
    messages: [{ role: "user", content: "hello" }],
    tools: [{ type: "function", function: { name: "f", parameters: { type: "object" } } }],
  }),
  (error) => error instanceof OpenAI.BadRequestError && error.param === "tools",
);

// The AI SDK.
const provider = createOpenAICompatible({
  name: "samba",
  baseURL,
  apiKey: "key",
  includeUsage: true,
  fetch: fetching,
});
const model = provider.chatModel("tiny");
const common = {
  model,
  maxOutputTokens: 6,
  temperature: 1,
  seed: 3,
  maxRetries: 0,
  messages: [{ role: "user", content: "hello" }],
};
const whole = await generateText(common);
assert.equal(whole.text, first.choices[0].message.content);
assert.equal(whole.finishReason, "length");
assert.equal(whole.usage.outputTokens, 6);
const streamed = streamText(common);
let text = "";
for await (const piece of streamed.textStream) text += piece;
assert.equal(text, whole.text);
assert.equal((await streamed.usage).outputTokens, 6);
const again = await generateText({
  ...common,
  messages: [...common.messages, ...whole.response.messages, { role: "user", content: "more" }],
});
assert.ok(again.text.length > 0);
const leaving = new AbortController();
const long = streamText({ ...common, maxOutputTokens: 2000, abortSignal: leaving.signal, onError: () => {} });
for await (const _ of long.textStream) {
  leaving.abort();
  break;
}
assert.equal((await generateText(common)).text, whole.text);

// LangChain.
const chat = new ChatOpenAI({
  model: "tiny",
  apiKey: "key",
  maxTokens: 6,
  temperature: 1,
  maxRetries: 0,
  configuration: { baseURL, fetch: fetching },
  modelKwargs: { seed: 3 },
});
const answer = await chat.invoke([new HumanMessage("hello")]);
assert.equal(answer.content, whole.text);
assert.equal(answer.usage_metadata.output_tokens, 6);
let pieces = "";
for await (const piece of await chat.stream([new HumanMessage("hello")])) pieces += piece.content;
assert.equal(pieces, whole.text);
const talk = [new HumanMessage("hello"), answer, new HumanMessage("more")];
assert.ok((await chat.invoke(talk)).content.length > 0);
assert.ok(
  (await chat.invoke([new HumanMessage("a"), new AIMessage("b"), new HumanMessage("c")])).content.length > 0,
);

// What they send is written down where a test fails.
process.on("exit", (code) => {
  if (code !== 0) console.error(JSON.stringify(asked.at(-1)));
});
