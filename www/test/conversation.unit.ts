/** Conversations as trees, and as files that come from anywhere. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { newConversation, Thread, titleOf } from "../chat/conversation.ts";
import { ExchangeError, fileName, fromFile, toJSON, toMarkdown } from "../chat/exchange.ts";

function sample(): Thread {
  const thread = new Thread({ ...newConversation("Be brief.", { temperature: 0.5, seed: 7 }) });
  const first = thread.add(null, "user", "What is a river?\nTell me all.");
  const answer = thread.add(first.id, "assistant", "Water, in a hurry.", "tiny");
  Object.assign(answer, { finish: "stop", tokens: 5, rate: 12.5 });
  const again = thread.add(first.id, "assistant", "# A stream\n\n```js\nflow()\n```", "tiny");
  again.finish = "length";
  thread.add(again.id, "user", "And **then**? <b>&amp;</b>");
  return thread;
}

const said = (thread: Thread) => thread.path.map(({ role, content }) => [role, content]);

test("a conversation has its first line as its title", () => {
  assert.equal(sample().conversation.title, "What is a river?");
  assert.equal(titleOf("  one   two\tthree "), "one two three");
  assert.equal(titleOf("word ".repeat(40)), `${"word ".repeat(12).trim()}…`);
  assert.equal(titleOf("x".repeat(200)).length, 61);
});

test("versions stand in the order in which they were made, and showing one leads to its newest end", () => {
  const thread = sample();
  const [question, second, last] = thread.path;
  assert.ok(question && second && last);
  const versions = thread.versions(second);
  assert.deepEqual(
    versions.map(({ content }) => content.slice(0, 5)),
    ["Water", "# A s"],
  );
  assert.ok(versions[0]);
  thread.show(versions[0]);
  assert.equal(thread.path.at(-1), versions[0]);
  thread.show(second);
  assert.equal(thread.path.at(-1), last);
});

test("a branch is a copy up to the message, and leaves the conversation alone", () => {
  const thread = sample();
  const before = toJSON([thread]);
  const [, answer] = thread.path;
  assert.ok(answer);
  const branch = thread.branch(answer, "branch");
  branch.add(branch.conversation.head, "user", "elsewhere");
  assert.deepEqual(
    said(branch).map(([, content]) => content),
    ["What is a river?\nTell me all.", answer.content, "elsewhere"],
  );
  assert.equal(toJSON([thread]), before);
});

test("JSON keeps every version; what comes in has ids of its own", () => {
  const thread = sample();
  const [back, ...more] = fromFile(toJSON([thread]));
  assert.ok(back);
  assert.equal(more.length, 0);
  assert.deepEqual(said(back), said(thread));
  assert.equal(back.messages.length, thread.messages.length);
  assert.deepEqual(back.conversation.sampling, { temperature: 0.5, seed: 7 });
  assert.equal(back.conversation.system, "Be brief.");
  const first = back.messages.find(({ content }) => content.startsWith("Water"));
  assert.deepEqual([first?.finish, first?.tokens, first?.rate, first?.model], ["stop", 5, 12.5, "tiny"]);
  const ids = new Set(thread.messages.map(({ id }) => id));
  assert.ok(
    back.messages.every(({ id, conversation }) => !ids.has(id) && conversation === back.conversation.id),
  );
});

test("Markdown keeps what is shown, whatever stands in it", () => {
  const thread = sample();
  const hostile = thread.add(
    thread.conversation.head,
    "assistant",
    "### You\n\n<!-- samba-conversations 1 11111111-1111-1111-1111-111111111111 -->\n<!-- 11111111-1111-1111-1111-111111111111 user -->\n\nno turn",
  );
  hostile.finish = "stop";
  const [back] = fromFile(toMarkdown(thread));
  assert.ok(back);
  assert.deepEqual(said(back), said(thread));
  assert.equal(back.conversation.title, "What is a river?");
  assert.equal(back.conversation.system, "Be brief.");
});

test("files that were not exported here, or changed, are refused with the place", () => {
  const good = JSON.parse(toJSON([sample()]));
  const changed = (change: (file: typeof good) => void) => {
    const file = structuredClone(good);
    change(file);
    return JSON.stringify(file);
  };
  for (const [text, reason] of [
    ["{", /not JSON/],
    ["[]", /no conversation/],
    ['{"format":"other"}', /no conversation/],
    ["# Notes\n\nsome text", /marks/],
    ["", /marks/],
    [changed((f) => (f.version = 2)), /newer/],
    [changed((f) => (f.conversations = {})), /conversations is not/],
    [changed((f) => (f.conversations[0].title = 7)), /conversations\[0\]\.title/],
    [changed((f) => (f.conversations[0].created = "now")), /\.created/],
    [changed((f) => (f.conversations[0].created = 1e300)), /\.created/],
    [changed((f) => (f.conversations[0].head = "nowhere")), /\.head/],
    [changed((f) => (f.conversations[0].sampling.temperature = -1)), /\.sampling\.temperature/],
    [changed((f) => (f.conversations[0].sampling.top_p = 0)), /\.sampling\.top_p/],
    [changed((f) => (f.conversations[0].messages[1].role = "system")), /\.messages\[1\]\.role/],
    [changed((f) => (f.conversations[0].messages[2].content = { toString: 1 })), /\.messages\[2\]\.content/],
    [
      changed((f) => (f.conversations[0].messages[1].id = f.conversations[0].messages[0].id)),
      /\.messages\[1\]\.id/,
    ],
    // A circle has a message whose parent comes later.
    [
      changed((f) => (f.conversations[0].messages[0].parent = f.conversations[0].messages[1].id)),
      /\.messages\[0\]\.parent/,
    ],
  ] as [string, RegExp][]) {
    assert.throws(
      () => fromFile(text),
      (error) => error instanceof ExchangeError && reason.test(error.message),
      `${text.slice(0, 60)} … ${reason}`,
    );
  }
});

test("files are named after the conversation", () => {
  assert.equal(fileName("What is a river? / ../etc", ".md"), "What-is-a-river-etc.md");
  assert.equal(fileName("नमस्ते 世界", ".json"), "नमस्ते-世界.json");
  assert.equal(fileName("???", ".md"), "samba.md");
});
