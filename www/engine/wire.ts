/**
 * Bytes over HTTP from servers as they are: with ranges or without, slow,
 * stalling, cut, overloaded, behind redirects to links that expire. What has
 * arrived is never asked for again; what cannot be had ends in one sentence.
 */
import { said } from "./errors.ts";
import type { Code } from "./protocol.ts";

/** What went wrong with a file, as one sentence. */
export class LoadError extends Error {
  override name = "LoadError";
  constructor(
    readonly code: Code,
    message: string,
  ) {
    super(message);
  }
}

/** How long to wait for what; times in milliseconds. */
export interface Patience {
  /** Without a byte for so long, a connection counts as broken. */
  stall: number;
  /** Attempts in a row that bring (almost) nothing before giving up. */
  tries: number;
  /** Before the second attempt; doubles with each one after it. */
  pause: number;
  /** The longest pause, also where the server asks for a longer one. */
  longest: number;
}

export const patience: Patience = { stall: 20_000, tries: 7, pause: 500, longest: 60_000 };

/** A file on a server. */
export interface Remote {
  url: string;
  size: number;
  /** How the browser's own cache takes part. */
  cache: RequestCache;
  /** Where the server knows no ranges: its one response, and who reads from it. */
  line?: Line | undefined;
  turn?: Promise<void>;
}

/** A response that is being read. */
interface Line {
  /** The file's byte that comes next. */
  at: number;
  reader: () => Promise<ReadableStreamReadResult<Uint8Array>> | undefined;
  left: Uint8Array | undefined;
  /** Gives its buffer to the next one. */
  give: () => void;
  /** The response is the file, not a range of it. */
  whole: boolean;
  /** How many bytes the server announced, if it did. */
  length: number;
  stop: AbortController;
}

/** A fault after which another attempt may help. */
class Passing extends Error {
  constructor(
    message: string,
    /** What the server asks for, in milliseconds. */
    readonly after = 0,
  ) {
    super(message);
  }
}

/** The browser gave a request or its answer up, and does not tell the page why. */
class Broken extends Passing {}

/** A fault of the bytes: another copy may be right. */
export const damaged = (error: unknown): error is LoadError =>
  error instanceof LoadError && (error.code === "wrong_hash" || error.code === "wrong_length");

/** Small files end here: tokenizers of large vocabularies have some 30 MiB. */
const MOST = 64 << 20;

/** An attempt that brought less than this, or than a quarter of what was missing, counts as failed. */
const SOMETHING = 1 << 16;

export class Wire {
  /** By origin: whether it answers ranges, as far as known. */
  readonly #ranges = new Map<string, boolean>();
  /** By origin: who finds that out; ends with the error if it gives up. */
  readonly #probes = new Map<string, { end: Promise<unknown>; done: (error?: unknown) => void }>();
  readonly #reached = new Set<string>();
  /** Buffers to read through: thousands of fresh ones would lie about until they are collected. */
  readonly #spare: ArrayBuffer[] = [];
  #forbidden = "";

  constructor(
    private readonly request: typeof fetch,
    private readonly patience: Patience,
    /** Hears why it takes long; "" when it goes on. */
    private readonly note: (text: string) => void,
  ) {
    globalThis.addEventListener?.("securitypolicyviolation", (event) => {
      this.#forbidden = new URL((event as SecurityPolicyViolationEvent).blockedURI, url0()).origin;
    });
  }

  /** A small file, whole; fewer tries for one that can be done without. */
  async whole(
    url: string,
    signal: AbortSignal,
    cache: RequestCache = "no-cache",
    tries = this.patience.tries,
  ): Promise<Uint8Array> {
    const name = nameOf(url);
    let parts: Uint8Array[] = [];
    let at = 0;
    let tag = "";
    const fetchIt = async (attempt: number) => {
      const stop = new AbortController();
      const headers = at > 0 ? { Range: `bytes=${at}-` } : undefined;
      const response = await this.#ask(url, headers, signal, stop, attempt > 0 ? "reload" : cache);
      const same = tag !== "" && tagOf(response) === tag;
      if (at > 0 && !(response.status === 206 && same && firstByte(response) === at)) [parts, at] = [[], 0];
      if (at === 0 && response.status === 206) throw new Passing("the server sends a part of it only");
      const packed = response.headers.get("content-encoding");
      tag = packed ? "" : tagOf(response);
      const length = packed ? 0 : Number(response.headers.get("content-length")) + at;
      const line = { at, ...reading(response), left: undefined, whole: true, length, stop };
      const before = at;
      for (;;) {
        const chunk = await this.#read(line, MOST, signal, name).catch((error) => {
          if (tag === "") [parts, at] = [[], 0]; // what came cannot be told from another version's bytes
          throw error;
        });
        if (!chunk) break;
        parts.push(chunk);
        at += chunk.length;
        if (at > MOST) {
          stop.abort();
          throw new LoadError(
            "bad_model",
            `${name} has more than ${MOST >> 20} MiB: it is no file of a model`,
          );
        }
      }
      if (at < length) throw new Passing(`the connection broke after ${at} of ${length} bytes`);
      return at - before;
    };
    await this.#persist(name, signal, fetchIt, tries);
    const data = new Uint8Array(at);
    let to = 0;
    for (const part of parts) {
      data.set(part, to);
      to += part.length;
    }
    return data;
  }

  /** What a file's headers tell: its size, and a tag that changes with its content. */
  async about(url: string, signal: AbortSignal): Promise<{ size: number; tag: string }> {
    const name = nameOf(url);
    const found = { size: 0, tag: "" };
    await this.#persist(name, signal, async () => {
      const stop = new AbortController();
      try {
        const response = await this.#ask(url, { Range: "bytes=0-0" }, signal, stop, "no-cache");
        const total = response.headers.get("content-range")?.split("/")[1];
        const length = response.status === 200 && !response.headers.get("content-encoding");
        found.size = Number(total ?? (length ? response.headers.get("content-length") : 0)) || 0;
        found.tag = tagOf(response);
      } finally {
        stop.abort();
      }
      return 1;
    });
    if (found.size > 0) return found;
    throw new LoadError(
      "network",
      `the server does not tell how long ${name} is: it must send Content-Length, or Content-Range with Access-Control-Expose-Headers`,
    );
  }

  /** Hands a file's bytes from one position to another to sink as they come, in order. */
  async pull(
    remote: Remote,
    from: number,
    to: number,
    sink: (at: number, bytes: Uint8Array) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const name = nameOf(remote.url);
    let at = from;
    const bring = async (attempt: number) => {
      const before = at;
      await this.#inTurn(remote, async () => {
        const line = await this.#line(remote, at, to, signal, attempt);
        try {
          while (at < to) {
            const chunk = await this.#read(line, to - at, signal, name);
            if (!chunk) throw ended(line, remote);
            sink(at, chunk);
            at += chunk.length;
          }
          if (line.whole && at === remote.size && (await this.#more(line, signal))) {
            throw wrongLength(name, `more than ${remote.size}`, remote.size);
          }
          if (line === remote.line && at < remote.size) return; // the next part goes on with it
        } catch (error) {
          line.stop.abort();
          if (line === remote.line) remote.line = undefined;
          throw error instanceof Passing ? new Short(error.message, error.after, at - before) : error;
        }
        line.give();
        line.stop.abort();
        if (line === remote.line) remote.line = undefined;
      });
      return at - before;
    };
    if (from === 0 && to === remote.size) await this.#persist(name, signal, bring);
    else await this.#knowing(remote, () => this.#persist(name, signal, bring));
  }

  /** Does what needs to know whether the server has ranges: the first one finds out, however often it must try, for all. */
  async #knowing(remote: Remote, work: () => Promise<void>): Promise<void> {
    const origin = new URL(remote.url).origin;
    while (!this.#ranges.has(origin)) {
      const probe = this.#probes.get(origin);
      if (probe) {
        const error = await probe.end;
        // A server that one could not reach, the others cannot reach either; any other error is that one's own.
        if (error instanceof LoadError && error.code === "network") throw error;
        continue;
      }
      let done: (error?: unknown) => void = () => {};
      const end = new Promise<unknown>((resolve) => {
        done = resolve;
      });
      this.#probes.set(origin, { end, done });
      try {
        return await work();
      } catch (error) {
        done(error);
        throw error;
      } finally {
        done();
        if (this.#probes.get(origin)?.end === end) this.#probes.delete(origin);
      }
    }
    await work();
  }

  /** A file that goes on after its end is another one. */
  async #more(line: Line, signal: AbortSignal): Promise<boolean> {
    const rest = await this.#read(line, 1, signal, "").catch(() => undefined);
    return rest !== undefined;
  }

  /** Where the server has no ranges, parts of a file are read one after another, from one response. */
  async #inTurn(remote: Remote, work: () => Promise<void>): Promise<void> {
    if (this.#ranges.get(new URL(remote.url).origin)) return await work();
    const turn = (remote.turn ?? Promise.resolve()).then(work);
    remote.turn = turn.catch(() => {});
    return await turn;
  }

  /** Notes whether an origin answers ranges. */
  #found(origin: string, ranges: boolean) {
    this.#ranges.set(origin, ranges);
    this.#probes.get(origin)?.done();
    this.#probes.delete(origin);
  }

  /** A response that stands at a byte of the file. */
  async #line(remote: Remote, from: number, to: number, signal: AbortSignal, attempt: number): Promise<Line> {
    const { url, size } = remote;
    const name = nameOf(url);
    const origin = new URL(url).origin;
    let line = remote.line;
    if (line && line.at > from) {
      line.stop.abort();
      line = remote.line = undefined;
    }
    if (!line) {
      const ranged = !(from === 0 && to === size) && this.#ranges.get(origin) !== false;
      const first = !this.#ranges.has(origin);
      const stop = new AbortController();
      const headers = ranged ? { Range: `bytes=${from}-${to - 1}` } : undefined;
      // The request that finds out that there are no ranges goes on at once: others would begin behind its first byte.
      const whole = () => this.#line(remote, from, to, signal, attempt);
      let response: Response;
      try {
        response = await this.#ask(url, headers, signal, stop, attempt > 0 ? "reload" : remote.cache);
      } catch (error) {
        if (error instanceof Broken && first && this.#ranges.get(origin) === false) return await whole();
        throw error;
      }
      const packed = response.headers.get("content-encoding");
      line = {
        at: from,
        ...reading(response, this.#spare),
        left: undefined,
        whole: response.status === 200,
        length: Number(response.headers.get("content-length")),
        stop,
      };
      if (response.status === 206) {
        const [, start, total] = response.headers.get("content-range")?.match(/bytes (\d+)-\d+\/(\d+)/) ?? [];
        const right = ranged && !packed && (!start || Number(start) === from);
        if (ranged) this.#found(origin, right);
        if (total && Number(total) !== size && !packed) {
          stop.abort();
          throw wrongLength(name, total, size);
        }
        if (!right) {
          stop.abort();
          if (ranged && first) return await whole();
          throw new Passing("the server sends another range than the one that was asked for");
        }
      } else {
        if (ranged) this.#found(origin, false);
        // Another origin's answer may be packed without that the page is told: then only its bytes can be counted.
        if (line.length > 0 && line.length !== size && !packed && response.type !== "cors") {
          stop.abort();
          throw wrongLength(name, String(line.length), size);
        }
        line.at = 0;
        if (this.#ranges.get(origin) === false) remote.line = line;
      }
    }
    while (line.at < from) {
      if (!(await this.#read(line, from - line.at, signal, name))) {
        line.stop.abort();
        remote.line = undefined;
        throw ended(line, remote);
      }
    }
    return line;
  }

  /** The next bytes of a response, at most this many; none at its end. */
  async #read(line: Line, most: number, signal: AbortSignal, name: string): Promise<Uint8Array | undefined> {
    let chunk = line.left;
    line.left = undefined;
    while (!chunk?.length) {
      if (signal.aborted) throw cancelled();
      const part = await this.#inTime(line, line.reader(), signal, `${name} stopped coming`);
      if (!part || part.done) return undefined;
      chunk = part.value;
    }
    if (chunk.length > most) {
      line.left = chunk.subarray(most);
      chunk = chunk.subarray(0, most);
    }
    line.at += chunk.length;
    return chunk;
  }

  /** Waits for a promise, but no longer than a stall may last. */
  async #inTime<T>(
    line: { stop: AbortController },
    promise: T,
    signal: AbortSignal,
    what: string,
  ): Promise<Awaited<T>> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stop = () => {};
    const late = new Promise<never>((_, reject) => {
      const give = () => {
        reject(new Passing(`${what}: not a byte for ${Math.round(this.patience.stall / 100) / 10} s`));
        line.stop.abort();
      };
      // A worker that was busy itself for so long finds what came meanwhile before the second bell.
      timer = setTimeout(() => {
        timer = setTimeout(give, this.patience.stall / 10);
      }, this.patience.stall);
      stop = () => {
        reject(cancelled());
        line.stop.abort();
      };
      signal.addEventListener("abort", stop, { once: true });
    });
    try {
      return await Promise.race([promise, late]);
    } catch (error) {
      if (signal.aborted) throw cancelled();
      if (error instanceof Passing || error instanceof LoadError) throw error;
      throw new Broken(`the connection broke: ${said(error)}`);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
  }

  /** Sends a request; an answer that is none of the file's bytes is thrown. */
  async #ask(
    url: string,
    headers: { Range: string } | undefined,
    signal: AbortSignal,
    stop: AbortController,
    cache: RequestCache,
  ): Promise<Response> {
    const name = nameOf(url);
    const { host, origin } = new URL(url);
    if (signal.aborted) throw cancelled();
    const init: RequestInit = { signal: stop.signal, cache };
    if (headers) init.headers = headers;
    const send = () => {
      const sent = this.request(url, init);
      sent.catch(() => {});
      return this.#inTime({ stop }, sent, signal, `${host} does not answer`);
    };
    const response = await send().catch(async (error) => {
      // A broken connection, or an answer that the browser hides: that of a server that is there is hidden again.
      if (!(error instanceof Broken) || !(await this.#there(url, headers, signal))) throw error;
      return await send().catch((error) => {
        if (error instanceof Broken) this.#hidden(url, headers);
        throw error;
      });
    });
    this.#reached.add(origin);
    const page =
      /^text\/html\b/i.test(response.headers.get("content-type") ?? "") && /\.(json|jinja)$/.test(name);
    if ((response.status === 200 || response.status === 206) && !page) return response;
    stop.abort();
    if (response.ok) {
      // Hosts of pages answer so for whatever they do not have.
      throw new LoadError(
        "missing",
        `the server ${host} answered with a web page, not a model: ${name} is HTML; check the address of the model's folder`,
      );
    }
    const answer = `the server answers ${response.status} ${response.statusText}`.trim();
    const { status } = response;
    if (status === 404 || status === 410) {
      throw new LoadError("missing", `${name} is missing from the model's folder: ${answer}`);
    }
    if (response.redirected && [400, 401, 403].includes(status)) {
      throw new Passing(`the link that ${new URL(url).host} leads to has expired or is refused (${answer})`);
    }
    if (status === 401 || status === 403) {
      throw new LoadError(
        "network",
        `${name} may not be read: ${answer}; the address has expired, or the model needs a login or a licence that was not accepted`,
      );
    }
    if (status === 416) {
      throw new LoadError("wrong_length", `${name} is shorter than the index says: ${answer}`);
    }
    if ([408, 425, 429].includes(status) || status >= 500) throw new Passing(answer, retryAfter(response));
    throw new LoadError("network", `${name} could not be fetched: ${answer}`);
  }

  /**
   * Whether a server answers from which the browser gave no answer to the page, if that tells more than another try.
   * What the page's own rules forbid is thrown.
   */
  async #there(url: string, headers: { Range: string } | undefined, signal: AbortSignal): Promise<boolean> {
    const { origin, host, protocol } = new URL(url);
    const here = globalThis.location?.origin;
    const foreign = here !== undefined && origin !== here && !this.#reached.has(origin);
    if (signal.aborted) return false;
    if (foreign) {
      await new Promise((resolve) => setTimeout(resolve, 20)); // for the event
      if (this.#forbidden === origin) {
        throw new LoadError(
          "network",
          `this page's Content-Security-Policy forbids it to read from ${host}, or from where that leads: its connect-src must name the hosts`,
        );
      }
      if (
        globalThis.location?.protocol === "https:" &&
        protocol === "http:" &&
        !/^(localhost|127\.)/.test(host)
      ) {
        throw new LoadError(
          "network",
          `a page on https may not read from http://${host}: give the model an https address`,
        );
      }
    }
    if (!foreign && !(headers && !this.#ranges.has(origin))) return false;
    if (globalThis.navigator?.onLine === false) return false;
    try {
      const timeout = AbortSignal.timeout(this.patience.stall);
      await this.request(url, { mode: "no-cors", method: "HEAD", signal: timeout, cache: "no-store" });
      return true;
    } catch {
      return false;
    }
  }

  /** What it means that the browser hides the answers of a server that is there. */
  #hidden(url: string, headers: { Range: string } | undefined) {
    const { origin, host } = new URL(url);
    // Answers to ranges it hides if they are packed, too: then the whole file comes.
    if (headers && !this.#ranges.has(origin)) return this.#found(origin, false);
    if (this.#reached.has(origin)) return;
    throw new LoadError(
      "network",
      `${host} does not let other sites' pages read ${nameOf(url)}: it sends no Access-Control-Allow-Origin header (CORS); host the model where that is set, or on this page's own server`,
    );
  }

  /** Repeats an attempt, which tells how many bytes it brought, until it succeeds or too many in a row fail. */
  async #persist(
    name: string,
    signal: AbortSignal,
    attempt: (failures: number) => Promise<number>,
    most = this.patience.tries,
  ): Promise<void> {
    for (let failures = 0, tries = 0; ; ) {
      try {
        await attempt(tries);
        if (tries > 0) this.note("");
        return;
      } catch (error) {
        if (signal.aborted) throw cancelled();
        if (!(error instanceof Passing)) throw error;
        tries++;
        failures = error instanceof Short && error.got >= SOMETHING ? 1 : failures + 1;
        const asked = error.after > 0 ? Math.min(error.after, 2 * this.patience.longest) : 0;
        if (failures >= most || error.after > 2 * this.patience.longest) {
          const offline = globalThis.navigator?.onLine === false ? "; this device is offline" : "";
          const later = error.after > asked ? `, and asks to wait ${Math.round(error.after / 1000)} s` : "";
          throw new LoadError(
            "network",
            `${name} could not be loaded: ${error.message}${later}${offline}; tried ${tries} times; what has arrived is kept, load again to go on`,
          );
        }
        const pause = Math.max(
          asked,
          Math.min(this.patience.longest, this.patience.pause * 2 ** (failures - 1)),
        );
        this.note(`${name}: ${error.message}; trying again in ${Math.ceil(pause / 1000)} s`);
        await sleep(pause * (1 + Math.random() / 4), signal);
      }
    }
  }
}

/** A fault after this many bytes. */
class Short extends Passing {
  constructor(
    message: string,
    after: number,
    readonly got: number,
  ) {
    super(message, after);
  }
}

export function cancelled(): LoadError {
  return new LoadError("cancelled", "loading was cancelled");
}

export function wrongLength(name: string, got: string, want: number): LoadError {
  return new LoadError(
    "wrong_length",
    `${name} has ${got} bytes, the index says ${want}; the copy on the server is incomplete or belongs to another version of the model`,
  );
}

/** What a response's end before the file's means: one that is as long as announced is all that the server has. */
function ended({ at, whole, length }: Line, { url, size }: Remote): Error {
  if (whole && at === length) return wrongLength(nameOf(url), String(at), size);
  return new Passing(`the connection broke after ${at} of ${size} bytes`);
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(cancelled());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** Seconds or a date; other sites' servers show it only if they expose it. */
function retryAfter(response: Response): number {
  const text = response.headers.get("retry-after");
  if (!text) return 0;
  const seconds = Number(text);
  const ms = Number.isFinite(seconds) ? 1000 * seconds : Date.parse(text) - Date.now();
  return Math.max(0, ms || 0);
}

/** Reads a response piece by piece; with spare buffers through one of them, so that a piece is good until the next one. */
function reading(response: Response, spare?: ArrayBuffer[]): Pick<Line, "reader" | "give"> {
  const { body } = response;
  if (spare && body) {
    try {
      const reader = body.getReader({ mode: "byob" });
      let buffer: ArrayBuffer | undefined = spare.pop() ?? new ArrayBuffer(1 << 17);
      return {
        reader: async () => {
          const view = new Uint8Array(buffer ?? new ArrayBuffer(1 << 17));
          buffer = undefined; // the browser's while it reads
          const part = await reader.read(view);
          buffer = part.value?.buffer as ArrayBuffer | undefined;
          return part as ReadableStreamReadResult<Uint8Array>;
        },
        give: () => {
          if (buffer?.byteLength) spare.push(buffer);
          buffer = undefined;
        },
      };
    } catch {
      // This browser's responses come in pieces of its own.
    }
  }
  const reader = body?.getReader();
  return { reader: () => reader?.read(), give: () => {} };
}

function tagOf(response: Response): string {
  return response.headers.get("etag") ?? response.headers.get("last-modified") ?? "";
}

function firstByte(response: Response): number {
  return Number(response.headers.get("content-range")?.match(/bytes (\d+)-/)?.[1] ?? Number.NaN);
}

function url0(): string {
  return globalThis.location?.href ?? "http://localhost/";
}

export function nameOf(url: string): string {
  return new URL(url).pathname.split("/").pop() || url;
}
