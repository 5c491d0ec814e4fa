/**
 * Gets a model's files into the worker: three shards at once, every one
 * checked against the index's SHA-256, kept for the next visit.
 */
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

/** Where checked shards are kept between visits, by their hash. */
export interface Store {
  get(sha256: string, size: number): Promise<Uint8Array | undefined>;
  put(sha256: string, data: Uint8Array): Promise<void>;
}

/** Shards on their way or waiting to be taken: enough to fill the line, few enough to keep memory flat. */
const AHEAD = 3;

interface Shard {
  url: string;
  size: number;
  sha256: string;
}

interface Flight {
  data: Promise<Uint8Array>;
  loaded: number;
  listener: ((bytes: number) => void) | undefined;
  abort: AbortController;
}

/** A model folder's files. Reading another folder's index drops what is still on its way. */
export class ModelFiles {
  #plan: Shard[] = [];
  #flights = new Map<string, Flight>();

  constructor(
    private readonly store: Store | undefined,
    private readonly request: typeof fetch = (input, init) => fetch(input, init),
  ) {}

  /** A small file. The index among them tells which shards will be asked for. */
  async read(url: string, signal: AbortSignal): Promise<Uint8Array> {
    const data = await this.#download(url, 0, () => {}, signal, "default");
    if (url.endsWith(".index.json")) {
      this.#drop();
      this.#plan = planOf(url, data);
    }
    return data;
  }

  /** A whole shard, of the size and hash given where they are known (0, ""). */
  async shard(
    url: string,
    size: number,
    sha256: string,
    loaded: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const wanted = { url, size, sha256 };
    const at = this.#plan.findIndex((shard) => shard.url === url);
    const flight = this.#start(wanted);
    for (const next of at < 0 ? [] : this.#plan.slice(at + 1, at + AHEAD)) this.#start(next);
    flight.listener = loaded;
    if (flight.loaded > 0) loaded(flight.loaded);
    const stop = () => this.#drop();
    signal.addEventListener("abort", stop, { once: true });
    try {
      if (signal.aborted) stop();
      return await flight.data;
    } catch (error) {
      this.#drop();
      throw error;
    } finally {
      signal.removeEventListener("abort", stop);
      this.#flights.delete(url);
    }
  }

  #start(shard: Shard): Flight {
    const running = this.#flights.get(shard.url);
    if (running) return running;
    const abort = new AbortController();
    const flight: Flight = { data: Promise.reject(), loaded: 0, listener: undefined, abort };
    flight.data.catch(() => {});
    const count = (bytes: number) => {
      flight.loaded = bytes;
      flight.listener?.(bytes);
    };
    flight.data = this.#fetchShard(shard, count, abort.signal);
    flight.data.catch(() => {}); // whoever asks for the shard hears of it
    this.#flights.set(shard.url, flight);
    return flight;
  }

  #drop() {
    for (const flight of this.#flights.values()) flight.abort.abort();
    this.#flights.clear();
  }

  async #fetchShard(shard: Shard, count: (bytes: number) => void, signal: AbortSignal): Promise<Uint8Array> {
    const { url, size, sha256 } = shard;
    if (sha256) {
      const kept = await this.store?.get(sha256, size).catch(() => undefined);
      if (kept) {
        count(kept.byteLength);
        return kept;
      }
    }
    try {
      return await this.#verified(shard, count, signal, "default");
    } catch (error) {
      // A damaged copy may sit in a cache on the way: once more, past the caches.
      const damaged =
        error instanceof LoadError && (error.code === "wrong_hash" || error.code === "wrong_length");
      if (!damaged || signal.aborted) throw error;
      console.warn(`${nameOf(url)}: fetching it again: ${error.message}`);
      return await this.#verified(shard, count, signal, "reload");
    }
  }

  async #verified(
    { url, size, sha256 }: Shard,
    count: (bytes: number) => void,
    signal: AbortSignal,
    cache: RequestCache,
  ): Promise<Uint8Array> {
    const data = await this.#download(url, size, count, signal, cache);
    if (!sha256) return data;
    const got = await hash(data);
    if (got !== sha256.toLowerCase()) {
      throw new LoadError(
        "wrong_hash",
        `${nameOf(url)} arrived damaged: its SHA-256 is ${got.slice(0, 12)}…, the index says ${sha256.slice(0, 12)}…; ` +
          "the copy on the server is broken or belongs to another version of the model",
      );
    }
    // Keeping a copy must not cost the visitor the model: a full disk only means another download.
    await this.store
      ?.put(sha256, data)
      .catch((error) => console.warn(`${nameOf(url)} is not kept: ${error}`));
    return data;
  }

  /** The bytes at an address; size 0 takes what comes. */
  async #download(
    url: string,
    size: number,
    count: (bytes: number) => void,
    signal: AbortSignal,
    cache: RequestCache,
  ): Promise<Uint8Array> {
    const name = nameOf(url);
    let response: Response;
    try {
      response = await this.request(url, { signal, cache });
    } catch (error) {
      if (signal.aborted) throw new LoadError("cancelled", "loading was cancelled");
      throw new LoadError(
        "network",
        `${name} could not be fetched from ${new URL(url).host}: ${said(error)}`,
      );
    }
    if (response.status === 404 || response.status === 410) {
      throw new LoadError(
        "missing",
        `${name} is missing from the model's folder: the server answers ${response.status}`,
      );
    }
    if (!response.ok) {
      throw new LoadError(
        "network",
        `${name}: the server answers ${response.status} ${response.statusText}`.trim(),
      );
    }
    let buffer = new Uint8Array(size || expected(response) || 1 << 16);
    let loaded = 0;
    const reader = response.body?.getReader();
    for (;;) {
      let part: ReadableStreamReadResult<Uint8Array> | undefined;
      try {
        part = await reader?.read();
      } catch (error) {
        if (signal.aborted) throw new LoadError("cancelled", "loading was cancelled");
        const all = size || expected(response) || 0;
        throw new LoadError(
          "network",
          `the connection broke while ${name} was loading, after ${loaded}${all ? ` of ${all}` : ""} bytes: ${said(error)}`,
        );
      }
      if (!part || part.done) break;
      if (loaded + part.value.length > buffer.length) {
        if (size) {
          await reader?.cancel().catch(() => {});
          throw wrongLength(name, `more than ${size}`, size);
        }
        const larger = new Uint8Array(Math.max(2 * buffer.length, loaded + part.value.length));
        larger.set(buffer.subarray(0, loaded));
        buffer = larger;
      }
      buffer.set(part.value, loaded);
      loaded += part.value.length;
      count(loaded);
    }
    if (size && loaded !== size) throw wrongLength(name, String(loaded), size);
    return buffer.subarray(0, loaded);
  }
}

function wrongLength(name: string, got: string, want: number): LoadError {
  return new LoadError(
    "wrong_length",
    `${name} has ${got} bytes, the index says ${want}; the copy on the server is incomplete or belongs to another version of the model`,
  );
}

/** The content's length, where the header tells it: a packed answer's header does not. */
function expected(response: Response): number {
  if (response.headers.get("content-encoding")) return 0;
  const length = Number(response.headers.get("content-length"));
  return Number.isSafeInteger(length) && length > 0 && length < 2 ** 31 ? length : 0;
}

/** The shards that an index names. What is wrong with it the engine tells, which reads it, too. */
function planOf(url: string, data: Uint8Array): Shard[] {
  try {
    const { metadata, weight_map } = JSON.parse(new TextDecoder().decode(data));
    const files = [...new Set(Object.values(weight_map as Record<string, string>))].sort();
    return files.map((file) => ({
      url: new URL(file, url).href,
      size: Number(metadata?.size?.[file] ?? 0),
      sha256: String(metadata?.sha256?.[file] ?? ""),
    }));
  } catch {
    return [];
  }
}

async function hash(data: Uint8Array): Promise<string> {
  if (!globalThis.crypto?.subtle) {
    throw new LoadError(
      "internal",
      "this page cannot check the model: browsers offer SHA-256 only to pages whose address starts with https or localhost",
    );
  }
  const digest = await crypto.subtle.digest("SHA-256", data as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function nameOf(url: string): string {
  return new URL(url).pathname.split("/").pop() || url;
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The browser's Cache API as a store; undefined where the page may not use it. */
export function browserStore(): Store | undefined {
  if (!("caches" in globalThis)) return undefined;
  const open = () => caches.open("samba-models");
  const key = (sha256: string) => `/samba-models/${sha256}`;
  return {
    async get(sha256, size) {
      const cache = await open();
      const kept = await cache.match(key(sha256));
      if (!kept) return undefined;
      const data = new Uint8Array(await kept.arrayBuffer());
      if (size === 0 || data.byteLength === size) return data;
      await cache.delete(key(sha256));
      return undefined;
    },
    async put(sha256, data) {
      await (await open()).put(key(sha256), new Response(data as Uint8Array<ArrayBuffer>));
    },
  };
}
