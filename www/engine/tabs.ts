/**
 * One engine for all tabs of an origin that want the same model: one tab leads, in whose worker the engine is, by a Web
 * Lock that is given to the next tab when that one closes; the others speak to it over a channel each. A tab that takes
 * over loads the model from where the browser keeps it, and every answer that was under way goes on.
 *
 * Why no SharedWorker: where browsers let one start at all it has no access to the files in which models are kept, and
 * in most no worker of its own that has; WebGPU is missing there in some.
 */
import { Unfinished } from "./again.ts";
import { ownWorker } from "./beside.ts";
import { type Asked, Waiting } from "./connection.ts";
import { said } from "./errors.ts";
import { Lead } from "./lead.ts";
import {
  type Error as ErrorMessage,
  ending,
  type Load,
  ofSession,
  PROTOCOL_VERSION,
  type Ready,
  type Reply,
  type Request,
} from "./protocol.ts";

/** On the channel of all tabs: who is there, who leads. */
type Word = { hello: string } | { leads: string; tabs: number };
/** On a tab's own channel, to the tab that leads; the name is that one's. */
type Question =
  | { to: string; ask: Request; data?: ArrayBuffer | undefined }
  | { to: string; ping: true }
  | { to: string; bye: true };
/** And from it. */
type Answer = { from: string; welcome: true } | { from: string; pong: true } | { from: string; reply: Reply };

/** Milliseconds between two looks of a tab for the one that leads, and how many of them may find nothing before that one counts as hung or frozen. */
export const pace = { ping: 4_000, missed: 3 };

/** Whether tabs can agree here on who leads: it takes https, or localhost. */
export const canShare = (): boolean =>
  typeof BroadcastChannel === "function" && !!globalThis.navigator?.locks?.request;

const lostState = {
  code: "bad_state" as const,
  message:
    "The tab that had the engine was closed, and with it this conversation's state: send the whole conversation.",
};

export class TabsConnection extends Waiting {
  readonly #self: string = crypto.randomUUID();
  readonly #key: string;
  readonly #all: BroadcastChannel;
  readonly #own: BroadcastChannel;
  /** The channels of the tabs that this one leads. */
  readonly #others = new Map<string, BroadcastChannel>();
  readonly #unfinished = new Map<number, Unfinished>();
  /** Sessions whose state is more than nothing; whether it went with another tab, or what is under way brings one back. */
  readonly #states = new Map<number, "here" | "lost" | "coming">();
  /** The requests that bring one back, and their sessions. */
  readonly #reviving = new Map<number, number>();
  readonly #ended = new AbortController();
  #lead: Lead | undefined;
  /** Who leads, once this tab was let in. */
  #leader = "";
  /** Who let it in last. */
  #before = "";
  #about: Ready | undefined;
  #missed = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #release = () => {};

  /** How many tabs share the engine, as far as is known, and whether it is in this one. */
  tabs = 1;
  get leads(): boolean {
    return this.#lead !== undefined;
  }

  constructor(
    readonly load: Asked<Load>,
    readonly worker: string | URL | undefined,
    /** Makes the engine of a tab that leads. */
    private readonly start = (count: (tabs: number) => void) => new Lead(load, worker, count),
  ) {
    super();
    this.#key = `samba ${PROTOCOL_VERSION} ${worker ?? ownWorker()} ${JSON.stringify(load)}`;
    this.#all = new BroadcastChannel(this.#key);
    this.#own = new BroadcastChannel(`${this.#key} ${this.#self}`);
    this.#all.onmessage = ({ data }: MessageEvent<Word>) => this.#heard(data);
    this.#own.onmessage = ({ data }: MessageEvent<Answer>) => this.#answered(data);
    void this.#enter();
  }

  /** Is there, for the tab that leads to see when it is no longer; says so, and waits to lead itself. */
  async #enter(): Promise<void> {
    const { signal } = this.#ended;
    await new Promise<void>((there) => {
      const held = () => {
        there();
        return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      };
      navigator.locks.request(`${this.#key} ${this.#self}`, held).catch(() => there());
    });
    if (signal.aborted) return;
    this.#timer = setInterval(() => this.#look(), pace.ping);
    this.#wait({ signal });
    this.#hello();
  }

  #hello(): void {
    this.#all.postMessage({ hello: this.#self } satisfies Word);
  }

  /** Leads once no other tab does. */
  #wait(options: LockOptions): void {
    const held = () => {
      if (this.#ended.signal.aborted || !this.#take()) return;
      return new Promise<void>((release) => {
        this.#release = release;
      });
    };
    navigator.locks.request(this.#key, options, held).catch(() => {
      // Another tab has taken the lock, since this one was frozen or hung: it follows now.
      if (this.#ended.signal.aborted || !this.#lead) return;
      this.#quit();
      this.#wait({ signal: this.#ended.signal });
      this.#hello();
    });
  }

  /** Stops leading. */
  #quit(): void {
    this.#lead?.close();
    this.#lead = undefined;
    this.#leader = "";
    for (const channel of this.#others.values()) channel.close();
    this.#others.clear();
  }

  #take(): boolean {
    let lead: Lead;
    try {
      lead = this.start((tabs) => {
        this.tabs = tabs;
        this.#all.postMessage({ leads: this.#self, tabs } satisfies Word);
      });
    } catch (error) {
      this.fail({ code: "internal", message: said(error) });
      return false;
    }
    this.#lead = lead;
    lead.admit(this.#self, (reply) => {
      if (this.#lead === lead) this.#hearReply(reply);
    });
    this.#begin(this.#self);
    return true;
  }

  #heard(word: Word): void {
    if ("hello" in word) {
      if (this.#lead) this.#admit(word.hello, this.#lead);
    } else {
      this.tabs = word.tabs;
      if (word.leads !== this.#leader && !this.#lead) this.#hello();
    }
  }

  /** Lets another tab in. */
  #admit(tab: string, lead: Lead): void {
    const from = this.#self;
    let channel = this.#others.get(tab);
    if (!channel) {
      const its = new BroadcastChannel(`${this.#key} ${tab}`);
      channel = its;
      this.#others.set(tab, its);
      const gone = () => {
        if (this.#others.get(tab) !== its) return;
        this.#others.delete(tab);
        its.close();
        lead.leave(tab);
      };
      its.onmessage = ({ data }: MessageEvent<Question>) => {
        if (data.to !== from) return;
        if ("ask" in data) lead.ask(tab, data.ask, data.data);
        else if ("bye" in data) gone();
        else its.postMessage({ from, pong: true } satisfies Answer);
      };
      lead.admit(tab, (reply) => its.postMessage({ from, reply } satisfies Answer));
      // The browser lets go of what a closed or killed tab held.
      navigator.locks.request(`${this.#key} ${tab}`, { signal: this.#ended.signal }, gone).catch(() => {});
    }
    channel.postMessage({ from, welcome: true } satisfies Answer);
  }

  #answered(answer: Answer): void {
    if (this.#lead) return;
    if ("welcome" in answer) {
      this.#missed = 0;
      if (answer.from !== this.#leader) this.#begin(answer.from);
    } else if (answer.from === this.#leader) {
      this.#missed = 0;
      if ("reply" in answer) this.#hearReply(answer.reply);
    }
  }

  /** Whether the tab that leads is there; one that hangs, or was frozen, leads no longer. */
  #look(): void {
    if (this.#lead || (this.#leader && this.#unfinished.size === 0)) {
      this.#missed = 0;
      return;
    }
    if (++this.#missed > pace.missed) {
      this.#missed = 0;
      this.#wait({ steal: true });
    } else if (this.#leader) this.#own.postMessage({ to: this.#leader, ping: true } satisfies Question);
    else this.#hello();
  }

  /** Asks the tab that leads now for all that is not finished. */
  #begin(leader: string): void {
    if (this.#before && this.#before !== leader)
      for (const session of this.#states.keys()) this.#states.set(session, "lost");
    const moved = this.#before !== "" && this.#before !== leader;
    this.#leader = this.#before = leader;
    for (const [id, one] of [...this.#unfinished]) {
      const { request } = one;
      if (one.cancelled) this.#end(id, { code: "cancelled", message: "The request was cancelled." });
      else if (moved && this.#needsState(request)) this.#end(id, lostState);
      else {
        if (moved && (request.type === "generate" || request.type === "absorb")) {
          const note = "The tab that had the engine was closed: it is loaded again, and the answer goes on.";
          this.hear({ type: "progress", id, phase: "connect", loaded: 0, total: 0, note });
        }
        this.#effect(request);
        try {
          this.#send({ ...one.next(this.#about), id } as Request, one.data);
        } catch (error) {
          this.#end(id, {
            code: "bad_request",
            message: `The request cannot be sent: ${said(error).replace(/\.?$/, ".")}`,
          });
        }
      }
    }
  }

  #send(request: Request, data?: ArrayBuffer): void {
    if (this.#lead) this.#lead.ask(this.#self, request, data);
    else if (this.#leader) this.#own.postMessage({ to: this.#leader, ask: request, data } satisfies Question);
  }

  protected post(request: Request, data?: ArrayBuffer): void {
    if (request.type === "cancel") {
      const target = this.#unfinished.get(request.target);
      if (target) target.cancelled = true;
      if (target && !this.#leader)
        this.#end(request.target, { code: "cancelled", message: "The request was cancelled." });
      else this.#send(request);
      return;
    }
    const one = new Unfinished(request, data);
    this.#unfinished.set(request.id, one);
    if (this.#needsState(request)) {
      queueMicrotask(() => this.#end(request.id, lostState));
      return;
    }
    this.#effect(request);
    try {
      this.#send(one.request, data);
    } catch (error) {
      this.#finish(request.id, false); // before it began
      throw error;
    }
  }

  /** Keeps in mind what a request makes of sessions' states. */
  #effect(request: Request): void {
    const { session = 0 } = request as { session?: number };
    if (request.type === "fork") {
      const state = this.#states.get(session);
      if (state) this.#states.set(request.into, state);
      else this.#states.delete(request.into);
    } else if (request.type === "reset" || request.type === "drop") this.#states.delete(session);
    else if (request.type !== "save" && ofSession.has(request.type)) {
      const here = (this.#states.get(session) ?? "here") === "here";
      if (!here && !(request.type === "generate" && request.append)) this.#reviving.set(request.id, session);
      this.#states.set(session, here ? "here" : "coming");
    }
  }

  /** A request has ended. One that failed has brought no lost state back. */
  #finish(id: number, done: boolean): void {
    this.#unfinished.delete(id);
    const session = this.#reviving.get(id);
    this.#reviving.delete(id);
    if (session === undefined || this.#states.get(session) !== "coming") return;
    if (done) this.#states.set(session, "here");
    else if (![...this.#reviving.values()].includes(session)) this.#states.set(session, "lost");
  }

  /** Whether a request is of a state that went with another tab. */
  #needsState(request: Request): boolean {
    const { session = 0 } = request as { session?: number };
    const reads =
      request.type === "save" || request.type === "fork" || (request.type === "generate" && request.append);
    return !!reads && this.#states.get(session) === "lost";
  }

  #hearReply(reply: Reply): void {
    const one = this.#unfinished.get(reply.id);
    if (!one) return;
    const heard = one.take(reply);
    if (heard === "again") this.#send({ ...one.request, id: reply.id }, one.data);
    else if (heard === "other") {
      this.#send({ type: "cancel", id: 0, target: reply.id });
      const message =
        "The tab that had the engine was closed, and the answer cannot be gone on with: ask again.";
      this.#end(reply.id, { code: "device_lost", message });
    } else if (heard) {
      if (heard.type === "ready") this.#about = { ...heard };
      if (ending.has(heard.type)) this.#finish(reply.id, heard.type !== "error");
      this.hear(heard);
    }
  }

  #end(id: number, error: Omit<ErrorMessage, "type" | "id">): void {
    this.#finish(id, false);
    this.hear({ ...error, type: "error", id });
  }

  override close(): void {
    if (this.#ended.signal.aborted) return;
    if (this.#leader && !this.#lead)
      this.#own.postMessage({ to: this.#leader, bye: true } satisfies Question);
    this.#ended.abort();
    clearInterval(this.#timer);
    this.#quit();
    this.#all.close();
    this.#own.close();
    this.#unfinished.clear();
    this.#release();
    super.close();
  }
}
