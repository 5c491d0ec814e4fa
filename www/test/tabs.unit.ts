/** Tabs that share an engine: locks and engines are played, channels are Node's. */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { Asked, Connection } from "../engine/connection.ts";
import { BadRequestError, CancelledError, StateError } from "../engine/errors.ts";
import { Lead } from "../engine/lead.ts";
import type { Done, Generate, Ready, Reply } from "../engine/protocol.ts";
import { pace, TabsConnection } from "../engine/tabs.ts";

const until = async (what: string, ok: () => boolean) => {
  for (let i = 0; i < 1000; i++) {
    if (ok()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail(`it never came to this: ${what}`);
};

/** Whose the locks and channels are that are asked for now. */
const owner = new AsyncLocalStorage<string>();

interface Asking {
  owner: string;
  name: string;
  give: () => Promise<void> | undefined;
  resolve: () => void;
  reject: (error: Error) => void;
}

class Locks {
  held: Asking[] = [];
  queue: Asking[] = [];
  request(name: string, ...rest: unknown[]): Promise<void> {
    const give = rest.pop() as Asking["give"];
    const { signal, steal } = (rest[0] ?? {}) as LockOptions;
    return new Promise((resolve, reject) => {
      const asking = { owner: owner.getStore() ?? "", name, give, resolve, reject };
      signal?.addEventListener("abort", () => {
        if (!this.queue.includes(asking)) return;
        this.queue = this.queue.filter((one) => one !== asking);
        reject(new Error("aborted"));
      });
      if (steal) {
        for (const one of this.held.filter((one) => one.name === name)) one.reject(new Error("stolen"));
        this.held = this.held.filter((one) => one.name !== name);
        this.queue.unshift(asking);
      } else this.queue.push(asking);
      setTimeout(() => this.deal());
    });
  }
  deal(): void {
    for (const asking of [...this.queue]) {
      if (this.held.some(({ name }) => name === asking.name)) continue;
      this.queue = this.queue.filter((one) => one !== asking);
      this.held.push(asking);
      const work = owner.run(asking.owner, asking.give);
      void Promise.resolve(work).then(() => {
        this.held = this.held.filter((one) => one !== asking);
        asking.resolve();
        this.deal();
      });
    }
  }
  kill(tab: string): void {
    this.held = this.held.filter((one) => one.owner !== tab);
    this.queue = this.queue.filter((one) => one.owner !== tab);
    this.deal();
  }
}

let locks: Locks;
const channels = new Set<Channel>();
const silent = new Set<string>();

/** Node's channel, which a tab that is killed or frozen does not use any more. */
const Real = globalThis.BroadcastChannel;
class Channel {
  readonly #real: InstanceType<typeof Real>;
  readonly #owner = owner.getStore() ?? "";
  onmessage?: (event: MessageEvent) => void;
  constructor(name: string) {
    this.#real = new Real(name);
    channels.add(this);
    this.#real.onmessage = (event) => {
      if (silent.has(this.#owner)) return;
      owner.run(this.#owner, () => this.onmessage?.(event as MessageEvent));
    };
  }
  postMessage(message: unknown): void {
    if (!silent.has(this.#owner)) this.#real.postMessage(message);
  }
  close(): void {
    channels.delete(this);
    this.#real.close();
  }
}

/** An engine that counts: what it says next is how many words there are before it. Its answers wait for `steps`. */
class Counting implements Connection {
  static all: Counting[] = [];
  static steps = Number.POSITIVE_INFINITY;
  static fails = 0;
  /** Loading takes as long. */
  static files: Promise<void> = Promise.resolve();
  readonly asked: Asked[] = [];
  closed = false;
  constructor(readonly tab: string) {
    Counting.all.push(this);
  }
  close(): void {
    this.closed = true;
  }
  async *ask(request: Asked, signal?: AbortSignal): AsyncGenerator<Reply, void, undefined> {
    this.asked.push(request);
    const done = {
      type: "done",
      id: 0,
      position: 7,
      state_bytes: 1,
      finish_reason: "stop",
    } as unknown as Done;
    if (request.type === "load") {
      yield { type: "progress", id: 0, phase: "download", loaded: 1, total: 2 };
      await new Promise((resolve) => setTimeout(resolve, 5));
      await Counting.files;
      yield { type: "ready", id: 0, model: "counting", sampling: { max_tokens: 10 } } as Ready;
    } else if (request.type === "generate") {
      const { messages = [], prompt = "", max_tokens = 10, open, seed } = request as Generate;
      if (Counting.fails > 0 && open) {
        Counting.fails--;
        yield { type: "error", id: 0, code: "bad_request", message: "No." };
        return;
      }
      assert.ok(seed !== undefined);
      const words = (prompt + messages.map(({ content }) => content).join(" "))
        .split(" ")
        .filter(Boolean).length;
      for (let i = 0; i < max_tokens; i++) {
        while (Counting.steps <= 0 && !signal?.aborted && !this.closed)
          await new Promise((resolve) => setTimeout(resolve, 1));
        if (this.closed) return void (await new Promise(() => {}));
        if (signal?.aborted) return yield { ...done, finish_reason: "cancelled" };
        Counting.steps--;
        await new Promise(setImmediate);
        yield { type: "text", id: 0, text: `${words + i} `, tokens: 1 };
      }
      const usage = {
        prompt_tokens: words,
        prefilled_tokens: 0,
        completion_tokens: max_tokens,
        total_tokens: words + max_tokens,
      };
      yield { ...done, usage };
    } else yield request.type === "save" ? { type: "saved", id: 0, position: 7, hash: "" } : done;
  }
}

const made: TabsConnection[] = [];

function tab(name: string): TabsConnection {
  const load: Asked<import("../engine/protocol.ts").Load> = {
    type: "load",
    url: "https://models.example/m/",
    backend: "cpu",
  };
  const start = (count: (tabs: number) => void) => new Lead(load, undefined, count, new Counting(name));
  const one = owner.run(name, () => new TabsConnection(load, "/worker.js", start));
  made.push(one);
  return one;
}

async function all(
  tab: TabsConnection,
  request: Asked,
  signal?: AbortSignal,
  hear?: (reply: Reply) => void,
): Promise<Reply[]> {
  const replies: Reply[] = [];
  for await (const reply of tab.ask(request, signal)) {
    replies.push(reply);
    hear?.(reply);
  }
  return replies;
}

const textOf = (replies: Reply[]) =>
  replies.map((reply) => (reply.type === "text" ? reply.text : "")).join("");
const chat = (content: string, more: object = {}): Asked => ({
  type: "generate",
  messages: [{ role: "user", content }],
  ...more,
});
const load = (tab: TabsConnection) => all(tab, tab.load);
const counted = (from: number, n: number) => Array.from({ length: n }, (_, i) => `${from + i} `).join("");

/** A tab is gone without a word. */
function kill(name: string): void {
  silent.add(name);
  locks.kill(name);
}

describe("tabs that share an engine", () => {
  const { BroadcastChannel } = globalThis;
  const ping = pace.ping;
  beforeEach(() => {
    locks = new Locks();
    Counting.all = [];
    Counting.steps = Number.POSITIVE_INFINITY;
    Counting.fails = 0;
    silent.clear();
    Object.assign(globalThis, { BroadcastChannel: Channel });
    Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
  });
  afterEach(() => {
    for (const one of made.splice(0)) one.close();
    for (const channel of [...channels]) channel.close();
    pace.ping = ping;
    Object.assign(globalThis, { BroadcastChannel });
  });

  test("one engine answers all, each tab in sessions of its own", async () => {
    const [a, b, c] = [tab("a"), tab("b"), tab("c")];
    const loads = await Promise.all([load(a), load(b), load(c)]);
    for (const replies of loads) assert.equal(replies.at(-1)?.type, "ready");
    assert.equal(Counting.all.length, 1);
    assert.deepEqual([a.leads, b.leads, c.leads], [true, false, false]);
    await until("all know of three", () => [a, b, c].every(({ tabs }) => tabs === 3));
    const answers = await Promise.all([all(a, chat("x")), all(b, chat("x x")), all(c, chat("x x x"))]);
    assert.deepEqual(answers.map(textOf), [counted(1, 10), counted(2, 10), counted(3, 10)]);
    await all(b, { type: "fork", into: 1 });
    await all(b, chat("x", { session: 1 }));
    const engine = Counting.all[0] as Counting;
    const sessions = engine.asked
      .filter(({ type }) => type === "generate")
      .map((r) => (r as Generate).session);
    assert.equal(new Set(sessions).size, 4);
    assert.ok(engine.asked.filter(({ type }) => type === "load").length === 1);
    b.close();
    await until(
      "what a closed tab had is dropped",
      () => engine.asked.filter(({ type }) => type === "drop").length === 2,
    );
    await until("two are left", () => a.tabs === 2 && c.tabs === 2);
  });

  test("a tab that is closed while the model loads leaves no session behind", async () => {
    let arrive = () => {};
    Counting.files = new Promise((resolve) => {
      arrive = resolve;
    });
    const [a, b] = [tab("a"), tab("b")];
    const loaded = load(a);
    void all(b, chat("x")).catch(() => {});
    await until("it waits for the model", () => a.tabs === 2);
    await new Promise((resolve) => setTimeout(resolve, 20)); // what it asked is on its way
    b.close();
    await until("it has left", () => a.tabs === 1);
    arrive();
    await loaded;
    await all(a, chat("x"));
    const asked = (type: string) => Counting.all[0]?.asked.filter((request) => request.type === type).length;
    assert.equal(asked("generate"), 1);
    assert.equal(asked("drop"), asked("reset"));
  });

  test("one that cannot be sent is refused, and asked of nobody later", async () => {
    const [a, b] = [tab("a"), tab("b")];
    const early = assert.rejects(all(b, chat("x", { tools: [() => {}] })), BadRequestError);
    await Promise.all([load(a), load(b), early]);
    await assert.rejects(all(b, chat("x", { tools: [() => {}] })), BadRequestError);
    a.close();
    await until("b leads", () => b.leads);
    assert.equal(textOf(await all(b, chat("x"))), counted(1, 10));
    assert.equal(Counting.all[1]?.asked.filter(({ type }) => type === "generate").length, 1);
  });

  test("one is cancelled alone", async () => {
    const [a, b] = [tab("a"), tab("b")];
    await Promise.all([load(a), load(b)]);
    Counting.steps = 8;
    const stop = new AbortController();
    const other = all(a, chat("x"));
    const mine = all(b, chat("x", { max_tokens: 1000 }), stop.signal);
    await until("they wait", () => Counting.steps <= 0);
    stop.abort();
    assert.equal(((await mine).at(-1) as Done).finish_reason, "cancelled");
    Counting.steps = 100;
    assert.equal(textOf(await other), counted(1, 10));
  });

  for (const [how, end] of [
    ["closes", (a: TabsConnection) => a.close()],
    ["is killed", () => kill("a")],
  ] as const)
    test(`answers go on when the tab that leads ${how}`, async () => {
      const [a, b, c] = [tab("a"), tab("b"), tab("c")];
      await Promise.all([load(a), load(b), load(c)]);
      Counting.steps = 12;
      const own = all(a, chat("x")).catch((error) => error);
      const notes: string[] = [];
      const hear = (reply: Reply) => reply.type === "progress" && notes.push(reply.note ?? "");
      const answers = [
        all(b, chat("x x"), undefined, hear),
        all(c, chat("x x x", { max_tokens: 20 })),
        all(c, { type: "generate", prompt: "x x ", session: 0 }),
        all(c, chat("x", { schema: {} })),
        all(c, { type: "tokenize", text: "x" }),
      ];
      await until("they wait", () => Counting.steps <= 0);
      await new Promise((resolve) => setTimeout(resolve, 20)); // what was said is on its way
      end(a);
      Counting.steps = Number.POSITIVE_INFINITY;
      const [two, three, text, schema] = await Promise.all(answers);
      assert.deepEqual(
        [two, three, text, schema].map((replies) => textOf(replies ?? [])),
        [counted(2, 10), counted(3, 20), counted(2, 10), counted(1, 10)],
      );
      const { usage } = (three ?? []).at(-1) as Done;
      assert.deepEqual([usage.prompt_tokens, usage.completion_tokens], [3, 20]);
      assert.ok(notes.some((note) => note.includes("was closed")));
      if (how === "closes") assert.ok((await own) instanceof CancelledError);
      assert.equal(Counting.all.length, 2);
      const continued = Counting.all[1]?.asked.filter((r) => r.type === "generate" && r.open);
      assert.ok(continued && continued.length > 0, "nothing was gone on with from what was said");
      assert.equal([b, c].filter(({ leads }) => leads).length, 1);
    });

  test("what an engine cannot go on with, it says again", async () => {
    const [a, b] = [tab("a"), tab("b")];
    await Promise.all([load(a), load(b)]);
    Counting.steps = 4;
    const answer = all(b, chat("x x"));
    await until("it waits", () => Counting.steps <= 0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    Counting.fails = 1;
    a.close();
    Counting.steps = Number.POSITIVE_INFINITY;
    assert.equal(textOf(await answer), counted(2, 10));
  });

  test("a state that went with its tab is not taken for another", async () => {
    const [a, b] = [tab("a"), tab("b")];
    await Promise.all([load(a), load(b)]);
    await all(b, chat("x"));
    await all(b, { type: "save" });
    a.close();
    await until("b leads", () => b.leads);
    await assert.rejects(all(b, { type: "save" }), StateError);
    await assert.rejects(all(b, chat("x", { append: true })), StateError);
    await all(b, { type: "fork", into: 3 }).then(
      () => assert.fail("a lost state was copied"),
      () => {},
    );
    await all(b, chat("x"));
    await all(b, { type: "save" });
  });

  test("what fails to bring a lost state back leaves it lost", async () => {
    const [a, b] = [tab("a"), tab("b")];
    await Promise.all([load(a), load(b)]);
    await all(b, chat("x"));
    a.close();
    await until("b leads", () => b.leads);
    const engine = Counting.all[1] as Counting;
    const ask = engine.ask.bind(engine);
    engine.ask = async function* (request, signal) {
      if (request.type === "restore") yield { type: "error", id: 0, code: "bad_state", message: "Damaged." };
      else yield* ask(request, signal);
    };
    await assert.rejects(all(b, { type: "restore" }), StateError);
    await assert.rejects(all(b, { type: "save" }), StateError);
    const failed = all(b, { type: "restore" });
    const more = all(b, chat("x")); // asked while that is under way
    await assert.rejects(failed, StateError);
    await more;
    await all(b, { type: "save" });
    engine.ask = ask;
    await all(b, { type: "restore" });
    await all(b, { type: "save" });
  });

  test("a tab that leads and says nothing leads no longer", async () => {
    pace.ping = 20;
    const [a, b] = [tab("a"), tab("b")];
    await Promise.all([load(a), load(b)]);
    Counting.steps = 6;
    const [own, other] = [all(a, chat("x")), all(b, chat("x x"))];
    await until("they wait", () => Counting.steps <= 0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    silent.add("a"); // frozen
    await until("b leads", () => b.leads);
    Counting.steps = Number.POSITIVE_INFINITY;
    assert.equal(textOf(await other), counted(2, 10));
    silent.delete("a"); // and awake
    await until("a follows", () => !a.leads);
    assert.equal(textOf(await own), counted(1, 10));
    assert.ok(Counting.all[0]?.closed);
  });
});
