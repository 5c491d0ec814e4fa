/** A server's client over a WebSocket that the test plays. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { patience, WebSocketConnection, WorkerConnection } from "../engine/connection.ts";
import { BadRequestError, InternalError, NetworkError, RefusedError } from "../engine/errors.ts";
import type { Reply, Request } from "../engine/protocol.ts";
import { written } from "../engine/written.ts";

/** One connection, seen from the server. */
class Played {
  static all: Played[] = [];
  /** Waits for the nth connection, from 0. */
  static async nth(n: number): Promise<Played> {
    while (!Played.all[n]) await new Promise((resolve) => setTimeout(resolve, 5));
    return Played.all[n];
  }

  binaryType = "";
  onopen?: () => void;
  onmessage?: (event: { data: string | ArrayBuffer }) => void;
  onclose?: (event: { code: number }) => void;
  readonly #sent: (Request | ArrayBuffer)[] = [];
  closed = false;

  constructor(readonly url: URL) {
    Played.all.push(this);
    setTimeout(() => this.onopen?.());
  }
  send(data: string | ArrayBuffer): void {
    this.#sent.push(typeof data === "string" ? JSON.parse(data) : data);
  }
  close(): void {
    this.closed = true;
  }

  /** What the client says next. */
  async hear<T = Request>(): Promise<T> {
    while (this.#sent.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    return this.#sent.shift() as T;
  }
  say(...replies: (Partial<Reply> & { type: string })[]): void {
    for (const reply of replies) this.onmessage?.({ data: JSON.stringify({ id: 0, ...reply }) });
  }
  cut(code = 1006): void {
    this.onclose?.({ code });
  }
  /** Hears hello and answers it. */
  async welcome(answered = 0): Promise<Request> {
    const hello = await this.hear();
    this.say({ type: "welcome", version: 1, session: "NAME", secret: "SECRET", answered, silence: 60 });
    return hello;
  }
}

const text = (seq: number, id = 1) =>
  ({ type: "text", id, seq, text: `t${seq} `, tokens: 1 }) as Partial<Reply> & { type: string };
const done = (seq: number, id = 1) =>
  ({ type: "done", id, seq, finish_reason: "stop" }) as Partial<Reply> & { type: string };

describe("a connection to a server", () => {
  const real = globalThis.WebSocket;
  let engine: WebSocketConnection;
  beforeEach(() => {
    Played.all = [];
    globalThis.WebSocket = Played as unknown as typeof WebSocket;
    engine = new WebSocketConnection("wss://host.example/engine", "token");
  });
  afterEach(() => {
    engine.close();
    globalThis.WebSocket = real;
  });

  /** Asks and gathers the answer's text. */
  async function ask(prompt = "a", signal?: AbortSignal) {
    let said = "";
    const notes: string[] = [];
    for await (const reply of engine.ask({ type: "generate", prompt }, signal)) {
      if (reply.type === "text") said += reply.text;
      if (reply.type === "progress") notes.push(reply.note ?? "");
    }
    return { said, notes };
  }

  test("goes on after the last reply that came", async () => {
    const answer = ask();
    const first = await Played.nth(0);
    const hello = await first.welcome();
    assert.deepEqual(hello, { type: "hello", id: 0, version: 1, token: "token" });
    const asked = await first.hear<Request & { seed: number }>();
    assert.ok(Number.isSafeInteger(asked.seed), "another server must be able to say the same");
    first.say(text(1), text(2));
    first.cut();
    const second = await Played.nth(1);
    assert.equal(second.url.searchParams.get("session"), "NAME");
    const again = await second.welcome();
    assert.deepEqual(again, { ...hello, session: "NAME", secret: "SECRET" });
    assert.deepEqual(await second.hear(), { ...asked, seq: 2 });
    second.say(text(2), text(3)); // what comes twice is heard once
    second.cut(4003);
    const third = await Played.nth(2);
    await third.welcome();
    assert.deepEqual(await third.hear(), { ...asked, seq: 3 });
    third.say(text(4), done(5));
    const { said, notes } = await answer;
    assert.equal(said, "t1 t2 t3 t4 ");
    assert.match(notes.at(-1) ?? "", /connection to host\.example was cut/);
  });

  test("connects again for the next request only", async () => {
    const answer = ask();
    const first = await Played.nth(0);
    await first.welcome();
    await first.hear();
    first.say(done(1));
    await answer;
    first.cut(4001);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(Played.all.length, 1);
    const next = ask();
    const second = await Played.nth(1);
    await second.welcome(1);
    assert.equal((await second.hear()).id, 2);
    second.say(done(1, 2));
    await next;
  });

  test("an answer whose conversation is lost is not patched up", async () => {
    const before = ask();
    const first = await Played.nth(0);
    await first.welcome();
    await first.hear();
    first.say(done(1));
    await before;
    const answer = ask();
    await first.hear();
    first.say(text(1, 2));
    first.cut();
    await (await Played.nth(1)).welcome(0);
    await assert.rejects(
      answer,
      (error) => error instanceof NetworkError && /lost the conversation/.test(error.message),
    );
  });

  test("what is cancelled meanwhile stays so", async () => {
    const abort = new AbortController();
    const answer = ask("a", abort.signal);
    const first = await Played.nth(0);
    await first.welcome();
    const asked = await first.hear();
    first.say(text(1));
    abort.abort();
    assert.deepEqual(await first.hear(), { type: "cancel", id: 2, target: asked.id });
    first.say({ type: "done", id: 1, seq: 2, finish_reason: "cancelled" } as Partial<Reply> & {
      type: string;
    });
    assert.equal((await answer).said, "t1 ");
  });

  test("a server that does not want us says why", async () => {
    const answer = ask();
    const first = await Played.nth(0);
    await first.hear();
    first.say({
      type: "error",
      code: "forbidden",
      message: "This server wants a token that it knows.",
    } as Partial<Reply> & { type: string });
    await assert.rejects(
      answer,
      (error) => error instanceof RefusedError && /wants a token/.test(error.message),
    );
  });

  test("a server that takes the connection and says nothing is given up", async () => {
    const before = { ...patience };
    try {
      Object.assign(patience, { first: 30, welcome: 20 });
      await assert.rejects(
        ask(),
        (error) => error instanceof NetworkError && /not answer/.test(error.message),
      );
      assert.ok(Played.all.every(({ closed }) => closed));
      const asked = ask();
      const next = await Played.nth(Played.all.length - 1);
      await next.welcome();
      await new Promise((resolve) => setTimeout(resolve, 60));
      next.say(text(1, 2), done(2, 2));
      assert.equal((await asked).said, "t1 ", "one that said welcome may take its time");
    } finally {
      Object.assign(patience, before);
    }
  });

  test("a message that is larger than the server takes is not sent again and again", async () => {
    const long = ask("x".repeat(5000));
    const first = await Played.nth(0);
    await first.welcome();
    const short = ask();
    await first.hear();
    await first.hear();
    first.cut(1009);
    await assert.rejects(
      long,
      (error) => error instanceof BadRequestError && /no message as large as this one/.test(error.message),
    );
    const second = await Played.nth(1);
    await second.welcome();
    assert.equal((await second.hear()).id, 2);
    second.say(done(1, 2));
    await short;
  });

  test("attachments follow their message", async () => {
    const restored = engine.ask({ type: "restore" }, undefined, new Uint8Array([1, 2, 3]).buffer).next();
    const first = await Played.nth(0);
    await first.welcome();
    assert.deepEqual(await first.hear(), { type: "restore", id: 1, binary: 3 });
    assert.equal((await first.hear<ArrayBuffer>()).byteLength, 3);
    first.say(done(1));
    assert.equal((await restored).value?.type, "done");
    const saved = engine.ask({ type: "save" }).next();
    await first.hear();
    first.say({ type: "saved", id: 2, seq: 1, binary: 2 } as Partial<Reply> & { type: string });
    first.onmessage?.({ data: new Uint8Array([7, 8]).buffer });
    const reply = (await saved).value as Reply & { data: ArrayBuffer };
    assert.deepEqual([...new Uint8Array(reply.data)], [7, 8]);
  });
});

describe("a connection to a worker", () => {
  let worker: { onmessage?(event: { data: unknown }): void; sent: unknown[] };
  let engine: WorkerConnection;
  beforeEach(() => {
    class PlayedWorker {
      sent: unknown[] = [];
      constructor() {
        worker = this;
      }
      postMessage(message: object): void {
        if ("prompt" in message && typeof message.prompt === "function")
          throw new Error("could not be cloned");
        this.sent.push(message);
      }
      terminate(): void {}
    }
    const page = {
      Worker: PlayedWorker,
      document: { baseURI: "https://page.example/" },
      location: { origin: "https://page.example" },
    };
    Object.assign(globalThis, page);
    engine = new WorkerConnection("https://page.example/worker.js");
  });

  const ask = async (prompt: unknown, signal?: AbortSignal) => {
    for await (const _ of engine.ask({ type: "generate", prompt: prompt as string }, signal));
  };
  const refused = (id: number) =>
    worker.onmessage?.({ data: { type: "error", id, code: "bad_request", message: "Too large." } });

  test("goes on after a request that is refused, or that cannot be sent", async () => {
    const first = ask("long");
    refused(1);
    await assert.rejects(first, BadRequestError);
    const abort = new AbortController();
    await assert.rejects(
      ask(() => {}, abort.signal),
      (error) =>
        error instanceof BadRequestError && /cannot be sent: could not be cloned/.test(error.message),
    );
    abort.abort();
    assert.equal(worker.sent.length, 1, "what was never sent is not cancelled");
    const third = ask("b");
    worker.onmessage?.({ data: { type: "done", id: 3, finish_reason: "stop" } });
    await third;
  });

  test("an error of a request that is not named is no end of the engine", async () => {
    const first = ask("a");
    refused(0);
    await assert.rejects(first, BadRequestError);
    const second = ask("b");
    worker.onmessage?.({ data: { type: "done", id: 2, finish_reason: "stop" } });
    await second;
  });

  test("without an engine nobody waits", async () => {
    const first = ask("a");
    worker.onmessage?.({ data: { ended: "The engine ended by itself: reload the page." } });
    for (const asked of [first, ask("b")])
      await assert.rejects(
        asked,
        (error) => error instanceof InternalError && /by itself/.test(error.message),
      );
  });
});

test("what cannot be sent to the engine says why", () => {
  const circle: Record<string, unknown> = {};
  circle.again = circle;
  assert.match(written(circle).refusal ?? "", /cannot be sent: .*circular/);
  assert.match(written({ seed: 5n }).refusal ?? "", /cannot be sent: .*BigInt/);
  assert.match(written({ prompt: "é".repeat(1 << 20) }, 2 << 20).refusal ?? "", /larger than 2 MiB/);
  assert.equal(written({ prompt: "é".repeat(1 << 20) }, (2 << 20) + 13).json?.length, (1 << 20) + 13);
});
