/** What happens in a conversation, with an engine, a storage and tabs that do what the test wants, when it wants. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Controller, type View } from "../chat/controller.ts";
import { type Conversation, type Message, Thread } from "../chat/conversation.ts";
import type { Engine } from "../chat/engine.ts";
import type { ConversationStates, Conversations, KeptState } from "../chat/storage/storage.ts";
import { strings } from "../strings.ts";

/** Resolves when it is told to. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

class FakeConversations implements Conversations {
  keeps = true;
  onfault: (error: unknown) => void = () => {};
  onchange: (conversation: string, gone: boolean) => void = () => {};
  kept = new Map<string, { conversation: Conversation; messages: Map<string, Message> }>();
  drafts: Message[] = [];
  async list() {
    return [...this.kept.values()].map(({ conversation }) => conversation);
  }
  async read(id: string) {
    const found = this.kept.get(id);
    return (
      found && new Thread(structuredClone(found.conversation), structuredClone([...found.messages.values()]))
    );
  }
  async save(thread: Thread, messages: Iterable<Message> = []) {
    const { conversation } = thread;
    const there = this.kept.get(conversation.id)?.messages;
    const all = there ?? new Map<string, Message>();
    for (const message of there ? messages : thread.messages) all.set(message.id, structuredClone(message));
    this.kept.set(conversation.id, { conversation: structuredClone(conversation), messages: all });
    return true;
  }
  async add(threads: Thread[]) {
    for (const thread of threads) await this.save(thread, thread.messages);
    return true;
  }
  async rename(id: string, title: string) {
    const found = this.kept.get(id);
    if (found) found.conversation.title = title;
  }
  async drop(conversation: Conversation, { id }: Message) {
    this.kept.get(conversation.id)?.messages.delete(id);
  }
  async remove(id: string) {
    this.kept.delete(id);
  }
  async search() {
    return new Set<string>();
  }
  draft(message: Message) {
    this.drafts.push(structuredClone(message));
  }
}

class FakeStates implements ConversationStates {
  available = true;
  limit = 1e9;
  kept = new Map<string, KeptState>();
  refuse: Error | undefined;
  async keep({ id, conversation }: Message, system: string, blob: Blob) {
    if (this.refuse) throw this.refuse;
    const bytes = blob.size;
    this.kept.set(id, {
      message: id,
      conversation,
      system,
      model: "hash",
      position: 7,
      file: id,
      bytes,
      used: 0,
    });
  }
  async find(message: string) {
    return this.kept.get(message);
  }
  async of(conversation: string) {
    return new Map([...this.kept].filter(([, kept]) => kept.conversation === conversation));
  }
  async read() {
    return new Blob(["state"]);
  }
  async share() {}
  async drop({ message }: KeptState) {
    this.kept.delete(message);
  }
  async forget(conversation?: string) {
    for (const [id, kept] of this.kept) if (kept.conversation === conversation) this.kept.delete(id);
  }
}

interface Asked {
  messages: unknown;
  continue_final_message: boolean;
  signal?: AbortSignal;
}

/** Writes what it is told to write, piece by piece, once the gate is open. */
class FakeEngine implements Engine {
  readonly about = { model: "fake", backend: "cpu", hash: "hash", saved_bytes: 5 };
  thoughts: string[] = [];
  words = ["one ", "two ", "three"];
  ends = "stop";
  gate = { open: () => {}, opened: Promise.resolve() };
  fault: Error | undefined;
  asked: unknown[] = [];
  reads: { open: () => void; opened: Promise<void> } | undefined;

  async *#write(signal: AbortSignal | undefined) {
    let tokens = 0;
    const thoughts = this.thoughts.map((reasoning) => ({ text: "", reasoning }));
    for (const piece of [...thoughts, ...this.words.map((text) => ({ text, reasoning: "" }))]) {
      await this.gate.opened;
      await turn();
      if (signal?.aborted) break;
      tokens++;
      yield { ...piece, finish_reason: null as string | null, tokens };
    }
    yield { text: "", reasoning: "", finish_reason: signal?.aborted ? "cancelled" : this.ends, tokens };
  }

  readonly chat = {
    completions: {
      create: async ({ messages, continue_final_message: open, signal }: Asked) => {
        this.asked.push(open ? { open: messages } : messages);
        if (this.fault) throw this.fault;
        return this.#chunks(signal);
      },
    },
  } as unknown as Engine["chat"];

  async *#chunks(signal: AbortSignal | undefined) {
    let last = 0;
    for await (const { text, reasoning, finish_reason, tokens } of this.#write(signal)) {
      last = tokens;
      const delta = reasoning ? { reasoning_content: reasoning } : { content: text };
      yield { choices: [{ delta, finish_reason }], usage: null };
    }
    yield {
      choices: [],
      usage: { completion_tokens: last, context_tokens: 10 + last, timings: { decode: 1 } },
    };
  }

  readonly state = {
    read: async (messages: unknown, { signal, open }: { signal?: AbortSignal; open?: boolean }) => {
      this.asked.push({ read: messages, open });
      await Promise.race([
        this.reads?.opened,
        new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve())),
      ]);
      return { read: 3, cancelled: signal?.aborted ?? false };
    },
    save: async () => new Blob(["state"]),
    restore: async () => ({}),
  } as unknown as Engine["state"];

  async tokenize(text: string) {
    return [...text].map(() => 0);
  }
}

class FakeHold {
  mine = true;
  onchange = () => {};
  onasked = async () => {};
  taken: string[] = [];
  async take(id: string) {
    this.taken.push(id);
  }
}

function setUp() {
  const conversations = new FakeConversations();
  const states = new FakeStates();
  const hold = new FakeHold();
  const seen: string[] = [];
  const view = new Proxy({} as View, {
    get: (_, name) => (first: unknown) => {
      seen.push(typeof first === "string" ? `${String(name)}: ${first}` : String(name));
      if (name === "fail") faults.push(first);
    },
  });
  const faults: unknown[] = [];
  const controller = new Controller({ conversations, states }, hold, view);
  const engine = new FakeEngine();
  const said = () => controller.thread.path.map(({ role, content }) => `${role}: ${content}`);
  return { conversations, states, hold, seen, faults, controller, engine, said };
}

test("a question is answered and kept, and its state, too", async () => {
  const { controller, engine, said, conversations, states } = setUp();
  controller.dispatch({ do: "have", engine });
  assert.equal(controller.phase, "idle");
  assert.equal(controller.dispatch({ do: "ask", text: "  " }), false);
  assert.equal(controller.dispatch({ do: "ask", text: "count" }), true);
  assert.equal(controller.phase, "answering");
  assert.equal(controller.dispatch({ do: "ask", text: "again" }), false);
  await controller.settled();
  assert.equal(controller.phase, "idle");
  assert.deepEqual(said(), ["user: count", "assistant: one two three"]);
  const [kept] = conversations.kept.values();
  assert.deepEqual(
    [...(kept?.messages.values() ?? [])].map(({ content, finish, tokens }) => [content, finish, tokens]),
    [
      ["count", undefined, undefined],
      ["one two three", "stop", 3],
    ],
  );
  assert.equal(controller.context, 13);
  assert.ok(states.kept.has(controller.thread.conversation.head ?? ""));
});

test("what is thought before an answer is kept beside it, and goes with it into the next turn", async () => {
  const { controller, engine, said, conversations } = setUp();
  engine.thoughts = ["I could ", "count."];
  controller.dispatch({ do: "have", engine });
  controller.dispatch({ do: "ask", text: "count" });
  await controller.settled();
  assert.deepEqual(said(), ["user: count", "assistant: one two three"]);
  const [kept] = conversations.kept.values();
  const answer = [...(kept?.messages.values() ?? [])].find(({ role }) => role === "assistant");
  assert.equal(answer?.reasoning, "I could count.");
  assert.equal(answer?.tokens, 5);
  controller.dispatch({ do: "ask", text: "more" });
  await controller.settled();
  assert.deepEqual(engine.asked.at(-1), [
    { role: "user", content: "count" },
    { role: "assistant", content: "one two three", reasoning_content: "I could count." },
    { role: "user", content: "more" },
  ]);
});

test("a question before the model is here is asked once it is", async () => {
  const { controller, engine, said, seen } = setUp();
  assert.equal(controller.dispatch({ do: "ask", text: "early" }), true);
  assert.equal(controller.phase, "waiting");
  assert.ok(seen.includes("want"));
  assert.equal(controller.dispatch({ do: "ask", text: "second" }), false); // the first one's turn is open
  controller.dispatch({ do: "have", engine: undefined }); // loading was cancelled, or failed
  assert.equal(controller.phase, "waiting");
  controller.dispatch({ do: "have", engine });
  await controller.settled();
  assert.deepEqual(said(), ["user: early", "assistant: one two three"]);
});

test("Stop ends an answer, Continue goes on with it in the same message", async () => {
  const { controller, engine, said } = setUp();
  controller.dispatch({ do: "have", engine });
  controller.dispatch({ do: "ask", text: "count" });
  while (!said()[1]?.includes("one")) await turn();
  controller.dispatch({ do: "stop" });
  await controller.settled();
  const [, answer] = controller.thread.path;
  assert.equal(answer?.finish, "cancelled");
  const before = answer?.content ?? "";
  assert.ok(before.length < "one two three".length);
  engine.words = ["four"];
  controller.dispatch({ do: "go on", message: answer as Message });
  assert.equal(controller.phase, "answering");
  await controller.settled();
  assert.deepEqual(said(), ["user: count", `assistant: ${before}four`]);
  assert.equal(answer?.finish, "stop");
  assert.deepEqual(engine.asked.at(-1), {
    open: [
      { role: "user", content: "count" },
      { role: "assistant", content: before },
    ],
  });
});

test("an answer that fails does not spoil those after it", async () => {
  const { controller, engine, faults, said } = setUp();
  controller.dispatch({ do: "have", engine });
  engine.fault = new RangeError("too much recursion");
  controller.dispatch({ do: "ask", text: "bad" });
  await controller.settled();
  assert.equal(faults.length, 1);
  assert.equal(controller.phase, "idle");
  engine.fault = undefined;
  controller.dispatch({ do: "answer", to: controller.thread.path[0]?.id ?? "" });
  await controller.settled();
  assert.equal(said().at(-1), "assistant: one two three");
});

test("whatever breaks while the page shows an answer, the next one is written", async () => {
  const { controller, engine, said } = setUp();
  controller.dispatch({ do: "have", engine });
  const { memory } = controller;
  memory.recall = async () => {
    throw new Error("broken");
  };
  controller.dispatch({ do: "ask", text: "one" });
  await controller.settled();
  memory.recall = async () => "";
  controller.dispatch({ do: "ask", text: "two" });
  await controller.settled();
  assert.equal(said().at(-1), "assistant: one two three");
});

test("another conversation is entered while an answer is written: it stays where it was asked", async () => {
  const { controller, engine, conversations, hold } = setUp();
  controller.dispatch({ do: "have", engine });
  controller.dispatch({ do: "ask", text: "count" });
  const { id } = controller.thread.conversation;
  await turn();
  controller.dispatch({ do: "begin", system: "", sampling: {} });
  assert.equal(controller.thread.path.length, 0);
  await controller.settled();
  await turn();
  assert.deepEqual([...(conversations.kept.get(id)?.messages.values() ?? [])].at(-1)?.finish, "cancelled");
  assert.equal(hold.taken.at(-1), controller.thread.conversation.id);
  assert.equal(controller.phase, "idle");
});

test("another tab takes the conversation: this one stops, shows what was kept, and gets it back", async () => {
  const { controller, engine, hold, conversations } = setUp();
  controller.dispatch({ do: "have", engine });
  controller.dispatch({ do: "ask", text: "count" });
  await hold.onasked();
  hold.mine = false;
  hold.onchange();
  assert.equal(controller.phase, "elsewhere");
  for (const action of [
    { do: "ask", text: "no" },
    { do: "attach", name: "a", text: "b" },
    { do: "answer", to: controller.thread.path[0]?.id ?? "" },
  ] as const)
    assert.equal(controller.dispatch(action), false);
  const { id } = controller.thread.conversation;
  const other = (await conversations.read(id)) as Thread;
  const more = other.add(other.conversation.head, "user", "from there");
  await conversations.save(other, [more]);
  conversations.onchange(id, false);
  await turn();
  assert.equal(controller.thread.path.at(-1)?.content, "from there");
  hold.mine = true;
  hold.onchange();
  await turn();
  assert.equal(controller.phase, "idle");
});

test("a conversation that another tab renames while this one answers has the new title", async () => {
  const { controller, engine, conversations } = setUp();
  controller.dispatch({ do: "have", engine });
  engine.gate = gate();
  controller.dispatch({ do: "ask", text: "count" });
  await turn();
  const { id } = controller.thread.conversation;
  await conversations.rename(id, "A new name");
  conversations.onchange(id, false);
  await turn();
  assert.equal(controller.phase, "answering");
  assert.equal(controller.thread.conversation.title, "A new name");
  engine.gate.open();
  await controller.settled();
  assert.equal(conversations.kept.get(id)?.conversation.title, "A new name");
});

test("a text is read in the background; a question meanwhile comes after it", async () => {
  const { controller, engine, seen, said } = setUp();
  engine.reads = gate();
  controller.dispatch({ do: "have", engine });
  controller.dispatch({ do: "attach", name: "book.txt", text: "long" });
  assert.equal(controller.phase, "reading");
  assert.equal(controller.dispatch({ do: "ask", text: "who?" }), true);
  assert.equal(controller.writing?.waits, strings.readFirst("book.txt"));
  await turn();
  assert.equal(said().at(-1), "assistant: ");
  engine.reads.open();
  await controller.settled();
  assert.equal(said().at(-1), "assistant: one two three");
  assert.ok(seen.some((what) => what.startsWith("say: book.txt is read")));
  assert.deepEqual(engine.asked.at(-1), [{ role: "user", content: "long\n\nwho?" }]);
});

test("a text attached while a question waits for a model is read with it", async () => {
  const { controller, engine, said } = setUp();
  controller.dispatch({ do: "ask", text: "what is in it?" });
  assert.equal(controller.phase, "waiting");
  controller.dispatch({ do: "attach", name: "book.txt", text: "A book." });
  controller.dispatch({ do: "have", engine });
  await controller.settled();
  assert.deepEqual(said(), ["user: what is in it?", "user: A book.", "assistant: one two three"]);
  assert.deepEqual(engine.asked.at(-1), [{ role: "user", content: "what is in it?\n\nA book." }]);
});

test("reading is stopped before anything was read: the text is taken out", async () => {
  const { controller, engine, seen } = setUp();
  engine.reads = gate();
  controller.dispatch({ do: "have", engine });
  controller.dispatch({ do: "attach", name: "a.txt", text: "" });
  await turn();
  controller.dispatch({ do: "stop reading" });
  await controller.settled();
  assert.equal(controller.thread.path.length, 0);
  assert.ok(seen.includes(`notify: ${strings.nothingRead("a.txt")}`));
});

test("the page goes away: what was written so far is noted", async () => {
  const { controller, engine, conversations } = setUp();
  controller.leave();
  controller.dispatch({ do: "have", engine });
  controller.dispatch({ do: "ask", text: "count" });
  await turn();
  controller.leave();
  await controller.settled();
  assert.equal(conversations.drafts.length, 1);
});

test("why a state could not be kept is said once", async () => {
  const { controller, engine, states, seen } = setUp();
  states.refuse = new Error("no.");
  controller.dispatch({ do: "have", engine });
  for (const text of ["one", "two"]) {
    controller.dispatch({ do: "ask", text });
    await controller.settled();
    await turn();
  }
  assert.equal(seen.filter((what) => what === `notify: ${strings.stateNotKept("no.")}`).length, 1);
});

test("how long a conversation is for the model is known from its state, before and after the model is loaded", async () => {
  const { controller, engine } = setUp();
  controller.dispatch({ do: "have", engine });
  controller.dispatch({ do: "ask", text: "count" });
  await controller.settled();
  await turn();
  const { id } = controller.thread.conversation;
  controller.dispatch({ do: "begin", system: "", sampling: {} });
  controller.dispatch({ do: "have", engine: undefined });
  controller.dispatch({ do: "open", id });
  await turn();
  assert.equal(controller.context, 7);
  controller.dispatch({ do: "have", engine: undefined }); // it loads
  controller.dispatch({ do: "have", engine });
  await turn();
  assert.equal(controller.context, 7);
});

test("the conversation that is being answered is opened: it is shown already", async () => {
  const { controller, engine, said } = setUp();
  controller.dispatch({ do: "have", engine });
  controller.dispatch({ do: "ask", text: "count" });
  while (!said()[1]?.includes("one")) await turn();
  const { thread } = controller;
  controller.dispatch({ do: "open", id: thread.conversation.id });
  await controller.settled();
  await turn();
  assert.equal(controller.thread, thread);
  assert.deepEqual(said(), ["user: count", "assistant: one two three"]);
});

test("a conversation that is left while it is answered, and opened again at once, is shown as it was kept", async () => {
  const { controller, engine, conversations, said } = setUp();
  controller.dispatch({ do: "have", engine });
  controller.dispatch({ do: "ask", text: "count" });
  while (!said()[1]?.includes("one")) await turn();
  const { id } = controller.thread.conversation;
  controller.dispatch({ do: "begin", system: "", sampling: {} });
  controller.dispatch({ do: "open", id });
  while (controller.thread.conversation.id !== id) await turn();
  const kept = [...(conversations.kept.get(id)?.messages.values() ?? [])].at(-1);
  assert.equal(kept?.finish, "cancelled");
  assert.deepEqual(controller.thread.path.at(-1), kept);
});

test("of several conversations that are asked for, the last one is shown", async () => {
  const { controller, conversations } = setUp();
  for (const id of ["one", "two"]) {
    const thread = new Thread({ ...controller.thread.conversation, id });
    thread.add(null, "user", id);
    await conversations.add([thread]);
  }
  let slow = gate();
  const read = conversations.read.bind(conversations);
  conversations.read = async (id) => {
    if (id === "one") await slow.opened;
    return read(id);
  };
  const shown = () => controller.thread.conversation.id;
  const end = async () => {
    slow.open();
    for (let i = 0; i < 5; i++) await turn();
  };
  controller.dispatch({ do: "open", id: "one" });
  controller.dispatch({ do: "open", id: "two" });
  await end();
  assert.equal(shown(), "two");
  const begin = () => controller.dispatch({ do: "begin", system: "", sampling: {} });
  const stay = () => controller.dispatch({ do: "open", id: shown() });
  for (const next of [begin, stay]) {
    slow = gate();
    controller.dispatch({ do: "open", id: "one" });
    await turn();
    next();
    const wanted = shown();
    await end();
    assert.equal(shown(), wanted);
  }
});

test("a conversation that is deleted while it is answered stays deleted, and its state, too", async () => {
  const { controller, engine, conversations, states } = setUp();
  controller.dispatch({ do: "have", engine });
  for (const answered of ["one ", "one two three"]) {
    engine.gate = gate();
    controller.dispatch({ do: "ask", text: "a secret" });
    await turn();
    engine.gate.open();
    while (controller.thread.path.at(-1)?.content !== answered) await turn();
    const { id } = controller.thread.conversation;
    await controller.remove(id);
    controller.dispatch({ do: "set", system: "late", sampling: {} });
    controller.dispatch({ do: "begin", system: "", sampling: {} });
    await controller.settled();
    for (let i = 0; i < 5; i++) await turn();
    assert.equal(conversations.kept.has(id), false);
    assert.deepEqual([...states.kept], []);
    assert.equal(controller.phase, "idle");
  }
});

test("a conversation that another tab deletes while this one answers stays deleted", async () => {
  const { controller, engine, conversations, states } = setUp();
  controller.dispatch({ do: "have", engine });
  engine.gate = gate();
  controller.dispatch({ do: "ask", text: "a secret" });
  await turn();
  const { id } = controller.thread.conversation;
  conversations.kept.delete(id);
  await conversations.save(controller.thread); // before this tab hears of it
  conversations.onchange(id, true);
  engine.gate.open();
  await controller.settled();
  await turn();
  assert.equal(conversations.kept.has(id), false);
  assert.deepEqual([...states.kept], []);
  assert.notEqual(controller.thread.conversation.id, id);
});

test("an answer that is asked for again while no model is here is another version of it", async () => {
  const { controller, engine, said } = setUp();
  controller.dispatch({ do: "have", engine });
  controller.dispatch({ do: "ask", text: "count" });
  await controller.settled();
  controller.dispatch({ do: "have", engine: undefined });
  controller.dispatch({ do: "answer", to: controller.thread.path[0]?.id ?? "" });
  engine.words = ["four"];
  controller.dispatch({ do: "have", engine });
  await controller.settled();
  assert.deepEqual(said(), ["user: count", "assistant: four"]);
});

test("a branch has a title of its own", async () => {
  const { controller, engine, conversations } = setUp();
  controller.dispatch({ do: "have", engine });
  controller.dispatch({ do: "ask", text: "count" });
  await controller.settled();
  const from = controller.thread;
  for (const title of ["count (branch)", "count (branch 2)", "count (branch 3)"]) {
    controller.dispatch({ do: "branch", message: controller.thread.path[1] as Message });
    for (let i = 0; i < 5; i++) await turn();
    assert.equal(controller.thread.conversation.title, title);
    assert.notEqual(controller.thread, from);
  }
  assert.equal(conversations.kept.size, 4);
});
