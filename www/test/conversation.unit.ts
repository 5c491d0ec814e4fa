/** Conversations as trees, and as files that come from anywhere. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { newConversation, Thread, titleOf } from "../chat/conversation.ts";
import { ExchangeError, fileName, fromFile, sourceOf, toJSON, toMarkdown } from "../chat/exchange.ts";
import { cut } from "../view/cut.ts";

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

test("no title ends within a character", () => {
  for (const emoji of ["😀", "👩‍👩‍👧‍👦", "🇫🇷", "e\u0301"]) {
    for (let before = 50; before <= 62; before++) {
      const title = titleOf("x".repeat(before) + emoji.repeat(20));
      assert.equal(title.slice(before, -1).replaceAll(emoji, ""), "", JSON.stringify(title));
      assert.doesNotMatch(fileName("x".repeat(before) + emoji, ".md"), /\p{Surrogate}/u);
    }
    assert.ok(emoji.repeat(50).startsWith(cut(emoji.repeat(50), 99)));
    assert.equal(cut(emoji.repeat(50), 99).length % emoji.length, 0);
  }
  assert.equal(cut("👨‍".repeat(500), 61), "👨‍".repeat(20)); // one character of 1,500 units: between two of its code points
  assert.equal(cut("short", 99), "short");
});

test("a conversation of many turns and versions is brought in in one go", () => {
  const thread = new Thread(newConversation());
  for (let i = 0; i < 10_000; i++)
    thread.add(thread.conversation.head, i % 2 ? "assistant" : "user", `turn ${i}`);
  const [first] = thread.path;
  for (let i = 0; i < 10_000; i++) thread.add(first?.id ?? null, "assistant", `version ${i}`);
  const [back] = fromFile(toJSON([thread]));
  assert.equal(back?.messages.length, 20_000);
  const markdown = fromFile(
    toMarkdown(
      new Thread({ ...thread.conversation, head: thread.messages[9_999]?.id ?? null }, thread.messages),
    ),
  );
  assert.equal(markdown[0]?.path.length, 10_000);
});

test("Markdown from a mail or from Windows is read as it was", () => {
  const thread = sample();
  for (const change of [
    (text: string) => text.replaceAll("\n", "\r\n"),
    (text: string) => `\ufeff${text.replaceAll("\n", "\r\n")}`,
    (text: string) => text.replaceAll(" -->\n", " --> \n"),
    (text: string) => text.trimEnd(),
  ]) {
    const [back] = fromFile(change(toMarkdown(thread)));
    assert.ok(back);
    assert.deepEqual(said(back), said(thread));
  }
  const empty = new Thread(newConversation());
  empty.add(null, "user", "");
  assert.deepEqual(said(fromFile(toMarkdown(empty).trimEnd())[0] as Thread), [["user", ""]]);
});

test("what was said tells a conversation from others, not its ids and times", async () => {
  const thread = sample();
  const source = await sourceOf(thread);
  const [one, two] = [fromFile(toJSON([thread]))[0], fromFile(toJSON([thread]))[0]];
  assert.equal(await sourceOf(one as Thread), source);
  assert.equal(await sourceOf(two as Thread), source);
  one?.add(one.conversation.head, "user", "more");
  assert.notEqual(await sourceOf(one as Thread), source);
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
