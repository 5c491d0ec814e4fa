/** The engine of a tab that leads: it answers the other tabs of the origin, too. */
import { type Asked, type Connection, WorkerConnection } from "./connection.ts";
import { InternalError, SambaError, said } from "./errors.ts";
import { type Load, ofSession, type Progress, type Ready, type Reply, type Request } from "./protocol.ts";

/** A tab that is answered, this one or another. */
interface Guest {
  send(reply: Reply): void;
  /** The engine's numbers of the tab's sessions. */
  sessions: Map<number, number>;
  running: Map<number, AbortController>;
  /** Requests are begun one after another. */
  begun: Promise<void>;
}

export class Lead {
  readonly #engine: Connection;
  readonly #guests = new Map<string, Guest>();
  readonly #hear = new Set<(progress: Progress) => void>();
  #ready: Promise<Ready>;
  #last = 0;

  constructor(
    private readonly load: Asked<Load>,
    worker: string | URL | undefined,
    /** Hears how many tabs there are. */
    readonly oncount: (tabs: number) => void,
    engine: Connection = new WorkerConnection(worker),
  ) {
    this.#engine = engine;
    this.#ready = this.#load();
  }

  get tabs(): number {
    return this.#guests.size;
  }

  /** Lets a tab in; the first is this one, whose session is the engine's own. */
  admit(tab: string, send: (reply: Reply) => void): void {
    this.leave(tab);
    const sessions = new Map(this.#guests.size === 0 && this.#last === 0 ? [[0, 0]] : []);
    this.#guests.set(tab, { send, sessions, running: new Map(), begun: Promise.resolve() });
    this.oncount(this.tabs);
  }

  /** Ends all that a tab has asked, and gives its sessions' memory back. */
  leave(tab: string): void {
    const guest = this.#guests.get(tab);
    if (!guest) return;
    this.#guests.delete(tab);
    for (const stop of guest.running.values()) stop.abort();
    for (const session of guest.sessions.values())
      if (session > 0) void this.#whole({ type: "drop", session }).catch(() => {});
    this.oncount(this.tabs);
  }

  ask(tab: string, request: Request, data?: ArrayBuffer): void {
    const guest = this.#guests.get(tab);
    if (!guest) return;
    if (request.type === "cancel") {
      guest.running.get(request.target)?.abort();
      return;
    }
    const stop = new AbortController();
    guest.running.set(request.id, stop);
    const begun = guest.begun.then(() => this.#begin(guest, request, stop.signal, data));
    guest.begun = begun.then(
      () => {},
      () => {},
    );
    const fail = (error: unknown) => {
      guest.running.delete(request.id);
      if (this.#guests.get(tab) === guest) guest.send(errorReply(request.id, error));
    };
    begun.then((replies) => this.#answer(tab, guest, request.id, replies)).catch(fail);
  }

  async #answer(tab: string, guest: Guest, id: number, replies: AsyncIterable<Reply>): Promise<void> {
    for await (const reply of replies)
      if (this.#guests.get(tab) === guest) guest.send({ ...reply, id } as Reply);
    guest.running.delete(id);
  }

  /** Posts a request to the engine, in the engine's numbers. */
  async #begin(
    guest: Guest,
    request: Request,
    signal: AbortSignal,
    data?: ArrayBuffer,
  ): Promise<AsyncIterable<Reply>> {
    if (request.type === "load") return this.#loaded(signal);
    // What failed is tried again by the next who asks.
    await this.#ready.catch(() => (this.#ready = this.#load()));
    wanted(signal);
    const asked = { ...request } as Asked & { session?: number };
    if (ofSession.has(request.type)) asked.session = await this.#session(guest, asked.session ?? 0);
    if (asked.type === "fork") await this.#drop(guest, asked.into);
    wanted(signal);
    if (asked.type === "fork") {
      guest.sessions.set(asked.into, ++this.#last);
      asked.into = this.#last;
    }
    if (asked.type === "drop") {
      const { session } = asked;
      asked.session = guest.sessions.get(session) ?? ++this.#last;
      guest.sessions.delete(session);
    }
    const replies = this.#engine.ask(asked, signal, data?.slice(0));
    const first = replies.next();
    first.catch(() => {});
    return (async function* () {
      for (let next = await first; !next.done; next = await replies.next()) yield next.value;
    })();
  }

  /** The engine's number of a tab's session, which is made where there is none. */
  async #session(guest: Guest, number: number): Promise<number> {
    const known = guest.sessions.get(number);
    if (known !== undefined) return known;
    const session = ++this.#last;
    guest.sessions.set(number, session);
    try {
      await this.#whole({ type: "reset", session });
    } catch (error) {
      guest.sessions.delete(number);
      throw error;
    }
    return session;
  }

  async #drop(guest: Guest, number: number): Promise<void> {
    const session = guest.sessions.get(number);
    guest.sessions.delete(number);
    if (session) await this.#whole({ type: "drop", session });
  }

  async #whole(request: Asked): Promise<void> {
    for await (const _ of this.#engine.ask(request));
  }

  #load(): Promise<Ready> {
    const load = async () => {
      for await (const reply of this.#engine.ask(this.load))
        if (reply.type === "progress") for (const hear of this.#hear) hear(reply);
        else if (reply.type === "ready") return reply;
      throw new InternalError("internal", "The engine did not answer to load.");
    };
    const ready = load();
    ready.catch(() => {}); // who asks hears of it
    return ready;
  }

  /** How far the loading is, then what is loaded. */
  async *#loaded(signal: AbortSignal): AsyncGenerator<Reply, void, undefined> {
    const progress: Progress[] = [];
    let wake = () => {};
    let ended = false;
    const hear = (one: Progress) => {
      progress.push(one);
      wake();
    };
    const end = () => {
      ended = true;
      wake();
    };
    this.#hear.add(hear);
    signal.addEventListener("abort", end);
    this.#ready.then(end, end);
    try {
      while (!ended || progress.length > 0) {
        const next = progress.shift();
        if (next) yield next;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
      wanted(signal);
      yield { ...(await this.#ready) };
    } finally {
      this.#hear.delete(hear);
      signal.removeEventListener("abort", end);
    }
  }

  /** Ends the engine. What other tabs have asked is not answered: another one leads then. */
  close(): void {
    this.#guests.clear();
    this.#engine.close();
  }
}

/** @throws {@link SambaError} where a request was cancelled, or its tab has left: nobody would give back what is made for it now. */
function wanted(signal: AbortSignal): void {
  if (signal.aborted) throw new SambaError("cancelled", "The request was cancelled.");
}

function errorReply(id: number, error: unknown): Reply {
  const { code, message, param, bits } =
    error instanceof SambaError
      ? error
      : { code: "internal" as const, message: said(error), param: undefined, bits: undefined };
  return { type: "error", id, code, message, ...(param !== undefined && { param }), ...(bits && { bits }) };
}
