/** An engine, in a worker of its own or at a server, and who waits for which of its answers. */
import { advice as ownAdvice, ownWorker } from "./beside.ts";
import { BadRequestError, errorOf, InternalError, said } from "./errors.ts";
import {
  closeCodes,
  type Error as ErrorMessage,
  ending,
  type Hello,
  PROTOCOL_VERSION,
  type Reply,
  type Request,
  stateful,
  type Welcome,
} from "./protocol.ts";

/** A request as it is made: the connection gives it its id. */
export type Asked<T extends Request = Request> = T extends Request ? Omit<T, "id"> : never;

/** What the client needs of an engine. */
export interface Connection {
  /** Sends a request, and bytes that go with it, and yields its answers up to the one that ends it; an error is thrown. */
  ask(request: Asked, signal?: AbortSignal, data?: ArrayBuffer): AsyncGenerator<Reply, void, undefined>;
  /** Ends the engine, and with an error all that wait for it. */
  close(): void;
}

/** Who waits for which of an engine's answers, wherever the engine is. */
export abstract class Waiting implements Connection {
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #failure: ErrorMessage | undefined;
  #lastID = 0;

  /** Sends a request, and its attachment, on its way. */
  protected abstract post(request: Request, data?: ArrayBuffer): void;

  async *ask(
    request: Asked,
    signal?: AbortSignal,
    data?: ArrayBuffer,
  ): AsyncGenerator<Reply, void, undefined> {
    if (this.#failure) throw errorOf(this.#failure);
    const id = ++this.#lastID;
    const replies: Reply[] = [];
    let wake = () => {};
    let finished = false;
    this.#waiting.set(id, (reply) => {
      replies.push(reply);
      wake();
    });
    const cancel = () => this.post({ type: "cancel", id: ++this.#lastID, target: id });
    try {
      try {
        this.post({ ...request, id } as Request, data);
      } catch (error) {
        finished = true; // before it began
        throw new BadRequestError("bad_request", `The request cannot be sent: ${said(error)}.`);
      }
      if (signal?.aborted) cancel();
      signal?.addEventListener("abort", cancel, { once: true });
      for (;;) {
        const reply = replies.shift();
        if (!reply) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        finished = ending.has(reply.type);
        if (reply.type === "error") throw errorOf(reply);
        yield reply;
        if (finished) return;
      }
    } finally {
      signal?.removeEventListener("abort", cancel);
      this.#waiting.delete(id);
      if (!finished) cancel();
    }
  }

  /** Hands a reply to who waits for it; one that is not known whose it is ends all that wait. */
  protected hear(reply: Reply): void {
    if (reply.type === "error" && reply.id === 0) for (const hear of this.#waiting.values()) hear(reply);
    else this.#waiting.get(reply.id)?.(reply);
  }

  /** Ends all that wait, and those who come later, with an error. */
  protected fail(error: Omit<ErrorMessage, "type" | "id">): void {
    this.#failure ??= { ...error, type: "error", id: 0 };
    this.hear(this.#failure);
  }

  close(): void {
    this.fail({ code: "cancelled", message: "The model was unloaded." });
    this.#failure = {
      type: "error",
      id: 0,
      code: "not_loaded",
      message: "The model was unloaded: load it again.",
    };
  }
}

/** What the worker says beside the engine's replies: why there is no engine any more. */
export interface Ended {
  ended: string;
}

/** An engine in a Web Worker. */
export class WorkerConnection extends Waiting {
  readonly #worker: Worker;

  /** @throws {@link InternalError} where the browser starts no such worker. */
  constructor(url: string | URL = ownWorker()) {
    super();
    const { href, hash } = new URL(url, document.baseURI);
    const script = href.slice(0, href.length - hash.length);
    const advice =
      ownAdvice || `Check that ${script} is there and that the page's Content-Security-Policy allows it`;
    try {
      this.#worker = startWorker(url);
    } catch (error) {
      throw new InternalError("internal", `The browser starts no worker: ${error}. ${advice}.`);
    }
    this.#worker.onmessage = ({ data }: MessageEvent<Reply | Ended>) => {
      if ("ended" in data) this.fail({ code: "internal", message: data.ended });
      else this.hear(data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const reason = event.message ? `failed: ${event.message}` : `did not start. ${advice}`;
      this.fail({ code: "internal", message: `The engine's worker ${reason}.` });
    };
  }

  /** Makes files the content of the folder at an address. */
  share(folder: string, files: File[]): void {
    this.#worker.postMessage({ folder, files });
  }

  override close(): void {
    this.#worker.terminate();
    super.close();
  }

  protected post(request: Request, data?: ArrayBuffer): void {
    if (data) this.#worker.postMessage({ ...request, data }, [data]);
    else this.#worker.postMessage(request);
  }
}

/** A request that a server has not finished. */
interface Unfinished {
  request: Request;
  data: ArrayBuffer | undefined;
  /** About how many bytes both have. */
  size: number;
  /** The place of the last reply that came. */
  seen: number;
  cancelled: boolean;
}

/**
 * In milliseconds, how long a connection is tried for: the first one, and one that was there before; and how long a
 * server may take to say welcome.
 */
export const patience = { first: 4_000, again: 120_000, welcome: 20_000 };
const longestPause = 10_000;

/**
 * An engine at a server. A connection that is cut is made again while an answer
 * is under way, and each request goes on after the last reply that came: at
 * whichever server then answers at the address.
 */
export class WebSocketConnection extends Waiting {
  readonly #url: string;
  readonly #token: string | undefined;
  #socket: WebSocket | undefined;
  #welcomed = false;
  #session = "";
  #secret = "";
  /** The last request whose effect the session's state has, as far as was heard. */
  #answered = 0;
  readonly #unfinished = new Map<number, Unfinished>();
  /** Since when no connection is there; how long the pause before the next try is. */
  #since = 0;
  #pause = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  #closed = false;
  readonly #retry = () => {
    if (this.#unfinished.size > 0) this.#connect();
  };

  /** The address is a server's, ws: or wss:. The token is what its owner gave out to be let in with. */
  constructor(url: string | URL, token?: string) {
    super();
    this.#url = String(url);
    this.#token = token;
    globalThis.addEventListener?.("online", this.#retry);
  }

  protected post(request: Request, data?: ArrayBuffer): void {
    if (request.type === "cancel") {
      const target = this.#unfinished.get(request.target);
      if (!target) return;
      target.cancelled = true;
      if (this.#welcomed) this.#send(request);
      // Without a connection nobody need hear of it: what was not begun is not asked for.
      else if (target.seen === 0)
        this.#end(request.target, { code: "cancelled", message: "The request was cancelled." });
      return;
    }
    // Any engine that has the seed gives the same answer: another server can go on with it.
    if (request.type === "generate") request.seed ??= Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
    const size = JSON.stringify(request).length + (data?.byteLength ?? 0);
    this.#unfinished.set(request.id, { request, data, size, seen: 0, cancelled: false });
    if (this.#welcomed) this.#send(request, data);
    else this.#connect();
  }

  override close(): void {
    this.#closed = true;
    globalThis.removeEventListener?.("online", this.#retry);
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    this.#socket?.close(1000);
    this.#unfinished.clear();
    super.close();
  }

  #send(request: Request, data?: ArrayBuffer): void {
    this.#socket?.send(JSON.stringify(data ? { ...request, binary: data.byteLength } : request));
    if (data) this.#socket?.send(data);
  }

  #end(id: number, error: Omit<ErrorMessage, "type" | "id">): void {
    this.#unfinished.delete(id);
    this.hear({ ...error, type: "error", id });
  }

  #connect(): void {
    if (this.#socket || this.#closed) return;
    clearTimeout(this.#timer);
    this.#since ||= Date.now();
    let socket: WebSocket;
    try {
      // The session's name lets a balancer find the server that has it in memory.
      const url = new URL(this.#url);
      if (this.#session) url.searchParams.set("session", this.#session);
      socket = new WebSocket(url);
    } catch (error) {
      this.#giveUp({ code: "network", message: `${this.#url} cannot be connected to: ${error}.` });
      return;
    }
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    let announced: Reply | undefined; // a message whose attachment is the next frame
    let heard = Date.now();
    // What takes the connection may be no engine, or one that hangs.
    this.#watch = setInterval(() => this.#lost(socket), patience.welcome);
    socket.onopen = () => {
      const hello: Hello = { type: "hello", id: 0, version: PROTOCOL_VERSION };
      if (this.#token !== undefined) hello.token = this.#token;
      if (this.#session) Object.assign(hello, { session: this.#session, secret: this.#secret });
      this.#send(hello);
    };
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (this.#socket !== socket) return;
      heard = Date.now();
      if (typeof data !== "string") {
        if (announced) this.#take(Object.assign(announced, { data }));
        announced = undefined;
        return;
      }
      const reply: Reply = JSON.parse(data);
      if (reply.binary) announced = reply;
      else if (reply.type === "welcome") {
        this.#begin(reply);
        clearInterval(this.#watch);
        // A line can die without a word: a server that does not answer pings is not there any more.
        const silence = reply.silence * 1000;
        this.#watch = setInterval(() => {
          if (Date.now() - heard > silence) this.#lost(socket);
          else if (this.#unfinished.size > 0) this.#send({ type: "ping", id: 0 });
          else heard = Date.now();
        }, silence / 3);
      } else if (reply.type === "error" && !this.#welcomed) this.#refused(reply);
      else this.#take(reply);
    };
    socket.onclose = ({ code }) => {
      if (code === closeCodes.elsewhere && this.#socket === socket)
        this.#giveUp({ code: "network", message: "The conversation goes on over another connection." });
      else {
        if (code === tooBig && this.#socket === socket) this.#refuseLargest();
        this.#lost(socket);
      }
    };
  }

  /** Ends the request that a server closed the connection for: sent again, it would do so again. */
  #refuseLargest(): void {
    const asked = [...this.#unfinished.values()].filter(({ seen }) => seen === 0);
    const largest = asked.sort((a, b) => b.size - a.size)[0];
    if (!largest) return;
    const message = `The server takes no message as large as this one, of ${largest.size} bytes: shorten it.`;
    this.#end(largest.request.id, { code: "bad_request", message });
  }

  #begin({ session, secret, answered }: Welcome): void {
    this.#welcomed = true;
    this.#since = this.#pause = 0;
    this.#session = session;
    this.#secret = secret;
    for (const [id, { request, data, seen, cancelled }] of this.#unfinished) {
      if (seen > 0 && answered < this.#answered) {
        const message = "The server has lost the conversation in the middle of an answer: ask again.";
        this.#end(id, { code: "network", message });
        continue;
      }
      this.#send(seen > 0 ? { ...request, seq: seen } : request, data);
      if (cancelled) this.#send({ type: "cancel", id: 0, target: id });
    }
    this.#answered = answered; // 0 where the server has begun a new session
  }

  #take(reply: Reply): void {
    const asked = this.#unfinished.get(reply.id);
    if (!asked) return;
    const { seq, ...rest } = reply;
    if (seq !== undefined) {
      if (seq <= asked.seen) return;
      if (seq > asked.seen + 1) {
        this.#socket?.close();
        return;
      }
      asked.seen = seq;
    }
    if (ending.has(reply.type)) {
      this.#unfinished.delete(reply.id);
      if (reply.type !== "error" && stateful.has(asked.request.type)) this.#answered = reply.id;
    }
    this.hear(rest as Reply);
  }

  /** The server does not want this client: for good, or for now. */
  #refused(error: ErrorMessage): void {
    if (error.code !== "busy" || Date.now() - this.#since > patience.again || !this.#session)
      this.#giveUp(error);
    else this.#socket?.close();
  }

  #lost(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    const had = this.#welcomed;
    this.#socket = undefined;
    this.#welcomed = false;
    clearInterval(this.#watch);
    socket.close();
    if (this.#closed || this.#unfinished.size === 0) return; // the next request connects
    if (had) this.#since = Date.now();
    const { host } = new URL(this.#url);
    const offline = globalThis.navigator?.onLine === false;
    if (Date.now() - this.#since > (this.#session ? patience.again : patience.first)) {
      const why = offline ? "this device is offline" : "it does not answer, or refuses pages of this site";
      this.#giveUp({ code: "network", message: `The server ${host} cannot be reached: ${why}.` });
      return;
    }
    for (const [id, { request, cancelled }] of this.#unfinished) {
      if (cancelled) this.#end(id, { code: "cancelled", message: "The request was cancelled." });
      else {
        const note = offline
          ? `This device is offline, and the model is at ${host}: the answer goes on when the network is back.`
          : `The connection to ${host} was cut: the answer goes on when it is back.`;
        this.hear({ type: "progress", id: request.id, phase: "connect", loaded: 0, total: 0, note });
      }
    }
    this.#pause = Math.min(Math.max(2 * this.#pause, 100), longestPause);
    this.#timer = setTimeout(() => this.#connect(), this.#pause * (0.5 + Math.random()));
  }

  #giveUp(error: Omit<ErrorMessage, "type" | "id">): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#welcomed = false;
    clearInterval(this.#watch);
    socket?.close();
    this.#since = this.#pause = 0;
    const { code, message } = error;
    for (const id of [...this.#unfinished.keys()]) this.#end(id, { code, message });
  }
}

/** A message was larger than the server takes: RFC 6455, section 7.4.1. */
const tooBig = 1009;

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): unknown };
}

let policy: ReturnType<TrustedTypes["createPolicy"]> | undefined;
const vouched = new Set<string>();

/**
 * Starts the engine's worker, from the address given or from beside this
 * script. Browsers start no worker from another origin, so one that lies
 * there is imported by a worker of this page's own: its server must allow
 * that (Access-Control-Allow-Origin), and a CSP of the page must have blob:
 * and that origin in worker-src.
 */
export function startWorker(from: string | URL = ownWorker()): Worker {
  let url = new URL(from, document.baseURI).href;
  if (new URL(url).origin !== location.origin) {
    const text = `import ${JSON.stringify(url)};`;
    url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  }
  vouched.add(url);
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  policy ??= types?.createPolicy("samba", { createScriptURL: (asked) => (vouched.has(asked) ? asked : "") });
  return new Worker((policy?.createScriptURL(url) ?? url) as string, { type: "module", name: "samba" });
}
