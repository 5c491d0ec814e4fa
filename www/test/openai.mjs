/** Uses a server as OpenAI's own package does: node openai.mjs BASE_URL. Run by tools/server's tests. */
import assert from "node:assert/strict";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "key", maxRetries: 0 });
const messages = [{ role: "user", content: "hello" }];
const settings = { model: "tiny", messages, max_completion_tokens: 12, temperature: 1, seed: 3 };

const models = await client.models.list();
assert.deepEqual(
  models.data.map(({ id }) => id),
  ["tiny"],
);

const whole = await client.chat.completions.create({
  ...settings,
  n: 2,
  logprobs: true,
  top_logprobs: 2,
  presence_penalty: 0.5,
  frequency_penalty: 0.1,
  logit_bias: { 65: 3 },
});
assert.equal(whole.choices.length, 2);
for (const { finish_reason, logprobs, message } of whole.choices) {
  assert.equal(finish_reason, "length");
  assert.equal(logprobs.content.length, 12);
  assert.equal(logprobs.content[0].top_logprobs.length, 2);
  assert.equal(message.role, "assistant");
}
assert.equal(whole.usage.completion_tokens, 24);

const plain = await client.chat.completions.create(settings);
const stream = await client.chat.completions.create({
  ...settings,
  stream: true,
  stream_options: { include_usage: true },
});
let text = "";
let usage;
let reason;
for await (const chunk of stream) {
  text += chunk.choices[0]?.delta.content ?? "";
  reason = chunk.choices[0]?.finish_reason ?? reason;
  usage = chunk.usage ?? usage;
}
assert.equal(text, plain.choices[0].message.content);
assert.equal(reason, "length");
assert.equal(usage.total_tokens, plain.usage.total_tokens);

const helped = await client.chat.completions.stream(settings).finalChatCompletion();
assert.equal(helped.choices[0].message.content, text);

const schema = {
  type: "object",
  properties: { mood: { enum: ["good", "bad"] } },
  required: ["mood"],
  additionalProperties: false,
};
const json = await client.chat.completions.create({
  ...settings,
  max_completion_tokens: 400,
  response_format: { type: "json_schema", json_schema: { name: "mood", schema, strict: true } },
});
assert.ok(["good", "bad"].includes(JSON.parse(json.choices[0].message.content).mood));

const stopped = await client.completions.create({
  model: "tiny",
  prompt: "a",
  max_tokens: 5,
  logprobs: 1,
  logit_bias: { 98: 100 },
  stop: "bb",
});
assert.equal(stopped.choices[0].text, "");
assert.equal(stopped.choices[0].finish_reason, "stop");
assert.equal(stopped.choices[0].logprobs.tokens[0], "b");

await assert.rejects(client.chat.completions.create({ ...settings, temperature: -1 }), (error) => {
  assert.ok(error instanceof OpenAI.BadRequestError);
  assert.equal(error.param, "temperature");
  return true;
});
await assert.rejects(
  client.chat.completions.create({ ...settings, model: "gpt-4o" }),
  (error) => error instanceof OpenAI.NotFoundError && error.code === "model_not_found",
);
await assert.rejects(
  new OpenAI({ baseURL: process.argv[2], apiKey: "wrong", maxRetries: 0 }).models.list(),
  OpenAI.AuthenticationError,
);

// Leaving early ends the answer on the server, too: the next one need not wait for it.
const long = await client.chat.completions.create({ ...settings, max_completion_tokens: 2000, stream: true });
for await (const _ of long) break;
assert.equal((await client.chat.completions.create(settings)).choices[0].message.content, text);
