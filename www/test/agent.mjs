/** An agent's three turns with two tools, by OpenAI's own package: node agent.mjs BASE_URL. Run by tools/server's tests. */
import assert from "node:assert/strict";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "key", maxRetries: 0 });
const number = { type: "integer", minimum: 1, maximum: 3 };
const tools = [
  {
    type: "function",
    function: {
      name: "find",
      parameters: { type: "object", properties: { word: { enum: ["a", "b"] } }, required: ["word"] },
    },
  },
  {
    type: "function",
    function: {
      name: "add",
      parameters: { type: "object", properties: { n: number, m: number }, required: ["n", "m"] },
    },
  },
];
const run = { find: ({ word }) => `here is ${word}`, add: ({ n, m }) => String(n + m) };
const settings = {
  model: "tiny",
  tools,
  parallel_tool_calls: false,
  max_completion_tokens: 300,
  seed: 3,
  enable_thinking: true,
  reasoning_budget: 4,
};

const messages = [{ role: "user", content: "hello" }];
for (const name of ["find", "add"]) {
  const stream = client.chat.completions.stream({
    ...settings,
    messages,
    tool_choice: { type: "function", function: { name } },
  });
  let thought = "";
  stream.on("chunk", ({ choices }) => {
    thought += choices[0]?.delta.reasoning_content ?? "";
  });
  const { choices } = await stream.finalChatCompletion();
  const [{ message, finish_reason }] = choices;
  assert.equal(finish_reason, "tool_calls");
  assert.ok(thought.length > 0 && thought.length <= 4, thought);
  const [call] = message.tool_calls;
  assert.equal(message.tool_calls.length, 1);
  assert.equal(call.function.name, name);
  const content = run[name](JSON.parse(call.function.arguments));
  assert.match(content, /^here is [ab]$|^[2-6]$/);
  messages.push(message, { role: "tool", tool_call_id: call.id, content });
}
const answer = await client.chat.completions.create({
  ...settings,
  messages,
  tool_choice: "none",
  response_format: { type: "json_schema", json_schema: { name: "done", schema: { enum: ["yes", "no"] } } },
});
const [{ message, finish_reason }] = answer.choices;
assert.equal(finish_reason, "stop");
assert.ok(["yes", "no"].includes(JSON.parse(message.content)));
assert.ok(message.reasoning_content.length <= 4);
