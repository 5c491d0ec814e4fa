/** Conversations with long texts, and their states as files. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { newConversation, Thread } from "../chat/conversation.ts";
import { ExchangeError, fromFile, isExport, isState, toJSON } from "../chat/exchange.ts";
import { messagesOf } from "../chat/memory.ts";
import { packState, unpackState } from "../chat/statefile.ts";
import { TextError, textOf } from "../view/text.ts";

function sample(): Thread {
  const thread = new Thread(newConversation("Be brief."));
  thread.attach("book.txt", "Once there was a light.").tokens = 7;
  const question = thread.add(thread.conversation.head, "user", "Where?");
  thread.add(question.id, "assistant", "At sea.", "tiny").finish = "stop";
  return thread;
}

test("a text stands in one turn with the question after it", () => {
  assert.deepEqual(messagesOf("Be brief.", sample().path), [
    { role: "system", content: "Be brief." },
    { role: "user", content: "Once there was a light.\n\nWhere?" },
    { role: "assistant", content: "At sea." },
  ]);
  assert.deepEqual(messagesOf("", sample().path.slice(0, 1)), [
    { role: "user", content: "Once there was a light." },
  ]);
});

test("messages in any order become a file that can be read", () => {
  const { conversation, messages } = sample();
  const [thread] = fromFile(toJSON([new Thread(conversation, messages.reverse())]));
  assert.equal(thread?.path.length, 3);
});

test("a text keeps its name and its length in a file", () => {
  const [thread] = fromFile(toJSON([sample()]));
  assert.deepEqual(
    thread?.path.map(({ name, tokens, finish }) => ({ name, tokens, finish })),
    [
      { name: "book.txt", tokens: 7, finish: undefined },
      { name: undefined, tokens: undefined, finish: undefined },
      { name: undefined, tokens: undefined, finish: "stop" },
    ],
  );
});

test("a state's file begins with the state and carries what was said", async () => {
  const state = new Blob([new Uint8Array(3000).fill(9)]);
  const file = await packState(state, sample());
  assert.deepEqual(new Uint8Array(await file.slice(0, 3000).arrayBuffer()), new Uint8Array(3000).fill(9));
  const { state: again, thread } = await unpackState(file);
  assert.deepEqual(await again.arrayBuffer(), await state.arrayBuffer());
  assert.deepEqual(
    thread.path.map(({ content }) => content),
    sample().path.map(({ content }) => content),
  );
  for (const end of [0, 40, 3000, file.size - 1])
    await assert.rejects(unpackState(file.slice(0, end)), ExchangeError, `cut at ${end}`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  for (const at of [3001, file.size - 80, file.size - 17, file.size - 10, file.size - 3]) {
    const other = bytes.slice();
    other[at] = (other[at] ?? 0) ^ 64;
    await assert.rejects(unpackState(new Blob([other])), ExchangeError, `byte ${at}`);
  }
});

test("what was exported here is known by its beginning", async () => {
  const header = new Uint8Array([0x93, ...new TextEncoder().encode("SAMBA\r\n")]);
  assert.equal(await isState(new File([header], "a.bin")), true);
  assert.equal(await isExport(new File([toJSON([sample()])], "a.txt")), true);
  assert.equal(await isExport(new File(["# Notes"], "a.md")), false);
});

test("files that are no text are named", async () => {
  const read = (name: string, ...content: BlobPart[]) => textOf(new File(content, name));
  assert.equal(await read("a.txt", "one\r\ntwo"), "one\ntwo");
  assert.equal(await read("a.txt", new Uint8Array([0xff, 0xfe, 0x61, 0, 0xe9, 0])), "aé");
  for (const [content, sentence] of [
    ["%PDF-1.4", /is a PDF/],
    ["PK\x03\x04", /is a ZIP or an office document/],
    ["a\0b", /holds no text/],
    [" \n", /is empty/],
    [new Uint8Array([0xc3, 0x28]), /holds no text/],
  ] as [BlobPart, RegExp][])
    await assert.rejects(read("a.txt", content), (error: Error) => {
      assert.ok(error instanceof TextError);
      assert.match(error.message, sentence);
      return true;
    });
});
