/**
 * Gets a model's files into the worker:
 *
 *     store ─┐
 *            ├─▶ parts of 8 MiB, five at once ─▶ blocks of 32 MiB, in order ─▶ SHA-256 ─▶ the engine
 *     wire ──┘        └─▶ store
 *
 * Blocks live in three buffers that are used again and again, so the page's
 * memory stays flat however large the model is. Tabs that want the same file
 * take turns: the first one downloads it.
 *
 * A file that was checked once is not hashed again when it comes from the
 * store, but each part's XXH64 is compared, which tells whether the disk has
 * changed a bit of it and costs a fifth of a second a gigabyte. What is harmed is fetched again.
 */
import { createSHA256, createXXHash64, type IHasher } from "hash-wasm";
import { hex, sha256 } from "./digest.ts";
import { said } from "./errors.ts";
import { hold } from "./hold.ts";
import { Keeping, type MadeFile, roomLeft } from "./keeping.ts";
import { type Kept, keyOf, lockOf, type Record, type Store } from "./store.ts";
import {
  cancelled,
  damaged,
  LoadError,
  nameOf,
  type Patience,
  patience,
  type Remote,
  Wire,
  wrongLength,
} from "./wire.ts";

export { LoadError };

/** Sizes in bytes; block is a multiple of part. */
export interface Settings extends Patience {
  part: number;
  block: number;
  /** Blocks in memory at once. */
  blocks: number;
  /** Ranges on their way at once. */
  lines: number;
}

export const settings: Settings = { ...patience, part: 8 << 20, block: 32 << 20, blocks: 3, lines: 5 };

/** A weights file as the index describes it; 0 and "" where it does not. */
export interface WeightsFile {
  name: string;
  size: number;
  sha256: string;
  /** A stretch of it, from a byte to before another, which may lie behind its end; 0: all of it. Nothing of it is kept. */
  begin?: number;
  end?: number;
  /** What a file is kept by that was made here, see Keeping: it comes from the store or not at all. */
  key?: string;
}

/** How many bytes are wanted of a file; 0 where that is not known. */
function lengthOf({ size, begin = 0, end = 0 }: WeightsFile): number {
  return end > 0 ? Math.max(0, Math.min(end, size || end) - begin) : size;
}

/** A stretch of a weights file; its bytes are valid until the next block is asked for. */
export interface Block {
  file: number;
  /** Of this version of the file; "" where that is not known. */
  tag: string;
  size: number;
  offset: number;
  bytes: Uint8Array;
}

/** Hears how many bytes are there, of which file the last, and what is waited for, if anything. */
export type Arrived = (bytes: number, total: number, file: string, note: string) => void;

/** A model's files, wherever they are. */
export class ModelFiles {
  readonly #small = new Map<string, Set<string>>();
  readonly #local = new Map<string, Map<string, File>>();
  readonly #wire: Wire;
  #note: (text: string) => void = () => {};

  constructor(
    private readonly store: Promise<Store | undefined>,
    private readonly settings: Settings,
    request: typeof fetch = (input, init) => fetch(input, init),
  ) {
    this.#wire = new Wire(request, settings, (text) => this.#note(text));
  }

  /** Makes files that the person picked the content of a folder at an address of its own. */
  add(folder: string, files: File[]): void {
    this.#local.set(folderOf(folder), new Map(files.map((file) => [file.name, file])));
  }

  /** A small file. Without a network it is the one of the last visit. */
  async read(url: string, signal: AbortSignal): Promise<Uint8Array> {
    const folder = folderOf(url);
    const local = this.#local.get(folder);
    if (local) return new Uint8Array(await fileOf(local, nameOf(url)).arrayBuffer());
    const store = await this.store;
    const key = store && (await keyOf(url));
    if (key) this.#small.set(folder, (this.#small.get(folder) ?? new Set()).add(key));
    const kept = key && (await store.small(key));
    try {
      // Where there is one of the last visit, days without a network begin without waiting for it.
      const data = await this.#wire.whole(url, signal, "no-cache", kept ? 1 : undefined);
      if (key)
        await store.keepSmall(key, data).catch((error) => console.warn(`${url} is not kept: ${said(error)}`));
      return data;
    } catch (error) {
      if (!kept || !(error instanceof LoadError) || error.code !== "network") throw error;
      console.warn(`${nameOf(url)} is the one of the last visit: ${said(error)}`);
      return kept;
    }
  }

  /** The weights files of a folder, block by block, in order. */
  async weights(
    folder: string,
    files: WeightsFile[],
    arrived: Arrived,
    signal: AbortSignal,
  ): Promise<Weights> {
    const weights = new Weights(folder, files, arrived, signal, {
      wire: this.#wire,
      store: await this.store,
      settings: this.settings,
      local: this.#local.get(folderOf(folder)),
      small: [...(this.#small.get(folderOf(folder)) ?? [])],
    });
    this.#note = (text) => weights.note(text);
    return weights;
  }

  /** Keeps files that are made of a folder's own, under a name for the list of models. */
  async keep(
    folder: string,
    name: string,
    files: MadeFile[],
    arrived: Arrived,
    signal: AbortSignal,
  ): Promise<Keeping> {
    const at = folderOf(folder);
    const store = this.#local.has(at) ? undefined : await this.store;
    const small = [...(this.#small.get(at) ?? []), await factKey(name)];
    const note = (text: string) => arrived(0, 0, files[0]?.name ?? "", text);
    return await Keeping.open(store, name, files, small, this.settings.part, signal, note);
  }
}

/** What a small fact is kept by. */
export const factKey = (key: string): Promise<string> => keyOf(`fact ${key}`);

interface Means {
  wire: Wire;
  store: Store | undefined;
  settings: Settings;
  local: Map<string, File> | undefined;
  small: string[];
}

/** A file that is being read. */
interface Flight {
  index: number;
  name: string;
  /** Of the file that its first byte here is. */
  begin: number;
  /** How many bytes are wanted. */
  size: number;
  sha256: string;
  key: string;
  tag: string;
  /** It was made here, or is a stretch of a file: it is not fetched once more, nor from its beginning. */
  once: boolean;
  remote: Remote;
  kept: Kept | undefined;
  release: () => void;
  local: File | undefined;
  hasher: IHasher | undefined;
  /** Of the parts that came. */
  sums: string[];
  /** Bytes that are there. */
  loaded: number;
}

interface Task {
  flight: Flight;
  offset: number;
  bytes: Uint8Array;
  buffer: Uint8Array;
  ready: Promise<void>;
}

export class Weights {
  readonly #tasks: (Task | undefined)[] = [];
  #wake = () => {};
  readonly #buffers: Uint8Array[] = [];
  #allocated = 0;
  readonly #waiting: ((buffer: Uint8Array) => void)[] = [];
  readonly #lines: Turns;
  readonly #flights = new Map<number, Flight>();
  readonly #again = new Set<number>();
  /** By name, of files that are read by stretches. */
  readonly #remotes = new Map<string, Remote>();
  /** A buffer's length, and how many there are at most. */
  readonly #unit: number;
  readonly #most: number;
  /** Files that the store gave back other than they were. */
  readonly #harmed = new Set<number>();
  readonly #summer = createXXHash64();
  readonly #tabs = "BroadcastChannel" in globalThis ? new BroadcastChannel("samba-models") : undefined;
  #store: Store | undefined;
  #record: Record;
  #out: Uint8Array | undefined;
  #stop = new AbortController();
  #done = 0;
  #text = "";
  #last = { time: 0, told: 0 };
  #current = "";
  readonly #files: WeightsFile[];

  constructor(
    private readonly folder: string,
    files: WeightsFile[],
    private readonly arrived: Arrived,
    private readonly signal: AbortSignal,
    private readonly means: Means,
  ) {
    this.#lines = new Turns(means.settings.lines);
    this.#store = means.local ? undefined : means.store;
    // Hashes compare in lower case.
    this.#files = files.map((file) => ({ ...file, sha256: file.sha256.toLowerCase() }));
    const known = this.#files.filter(({ size, sha256 }) => size > 0 && sha256 !== "");
    const { block, blocks, part, lines } = means.settings;
    // What is packed needs memory for that.
    const small = this.#files.some(({ end }) => end);
    this.#most = small ? lines : blocks;
    const most = small ? part : block;
    this.#unit = Math.min(most, Math.max(...this.#files.map((file) => lengthOf(file) || most)));
    this.#record = {
      url: folder,
      files: known.map(({ size, sha256 }) => ({ key: sha256, size })),
      small: means.small,
      used: Date.now(),
    };
    signal.addEventListener("abort", this.#cancel, { once: true });
    if (signal.aborted) this.#cancel();
    this.#run(0);
  }

  /** What is waited for, told with the next report. */
  note(text: string): void {
    if (text === this.#text) return;
    this.#text = text;
    this.#tell(true);
  }

  /** The next block; null after the last one of the last file. A file that is damaged at its end comes once more. */
  async next(): Promise<Block | null> {
    this.#give();
    for (;;) {
      const task = await this.#take();
      if (!task) return null;
      const { flight, offset, bytes } = task;
      this.#out = task.buffer;
      const last = offset + bytes.length === flight?.size;
      try {
        await task.ready;
        flight.hasher?.update(bytes);
        const got = last ? flight.hasher?.digest() : undefined;
        if (got && got !== flight.sha256) throw wrongHash(flight, got);
      } catch (error) {
        // Of a file of several blocks some are handed out already: it begins again.
        if (!damaged(error) || !(flight?.size > bytes.length) || flight.once || this.#again.has(flight.index))
          throw this.#blamed(flight, error);
        await this.#restart(flight, error);
        continue;
      }
      if (last) await this.#finish(flight);
      const { index, tag, begin, remote } = flight;
      return { file: index, tag, size: remote.size, offset: begin + offset, bytes };
    }
  }

  /** A failure to fetch what the store has lost says why it was fetched. */
  #blamed(flight: Flight | undefined, error: unknown): unknown {
    if (!flight || !this.#harmed.has(flight.index) || !(error instanceof LoadError)) return error;
    return new LoadError(error.code, `${error.message}; the copy that this browser had kept was damaged`);
  }

  /** Gives everything back, whatever is still on its way. */
  end(): void {
    this.signal.removeEventListener("abort", this.#cancel);
    this.#stop.abort();
    for (const flight of this.#flights.values()) this.#close(flight);
    this.#flights.clear();
    for (const { line } of this.#remotes.values()) line?.stop.abort();
    this.#tabs?.close();
    // Memory goes back at once, not when the collector next comes by.
    for (const { buffer } of [...this.#buffers, ...this.#tasks.flatMap((task) => task?.buffer ?? [])])
      give(buffer);
    if (this.#out) give(this.#out.buffer);
  }

  #cancel = () => {
    this.#stop.abort();
    this.#wake();
  };

  /** Starts blocks in order, as buffers come free, from a file on. */
  async #run(first: number): Promise<void> {
    const { signal } = this.#stop;
    try {
      if (first === 0) await this.#room();
      for (let index = first; index < this.#files.length; index++) {
        const length = lengthOf(this.#files[index] as WeightsFile);
        let buffer = await this.#buffer(signal, length);
        const flight = await this.#open(index, signal);
        for (let offset = 0; offset < flight.size; offset += buffer.length) {
          if (offset > 0) buffer = await this.#buffer(signal, length);
          if (signal.aborted) return;
          const bytes = buffer.subarray(0, Math.min(buffer.length, flight.size - offset));
          const ready = this.#fill(flight, offset, bytes, signal);
          ready.catch(() => {});
          this.#push({ flight, offset, bytes, buffer, ready });
        }
      }
      this.#push(undefined);
    } catch (error) {
      if (signal.aborted) return;
      const ready = Promise.reject(error);
      ready.catch(() => {});
      this.#push({ ready, bytes: new Uint8Array(), buffer: new Uint8Array() } as unknown as Task);
    }
  }

  #push(task: Task | undefined) {
    this.#tasks.push(task);
    this.#wake();
  }

  async #take(): Promise<Task | undefined> {
    while (this.#tasks.length === 0) {
      if (this.signal.aborted) throw cancelled();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.signal.aborted) throw cancelled();
    return this.#tasks.shift();
  }

  /** A buffer of a block's size: one that was given back, a new one, or the next one that comes free. Little has one of its own. */
  #buffer(signal: AbortSignal, length: number): Promise<Uint8Array> {
    if (length > 0 && length <= LITTLE && length < this.#unit) return Promise.resolve(new Uint8Array(length));
    const free = this.#buffers.pop();
    if (free) return Promise.resolve(free);
    if (this.#allocated < this.#most) {
      this.#allocated++;
      return Promise.resolve(new Uint8Array(this.#unit));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push(resolve);
      signal.addEventListener("abort", () => reject(cancelled()), { once: true });
    });
  }

  #give() {
    const buffer = this.#out;
    this.#out = undefined;
    if (buffer?.length !== this.#unit) return;
    const next = this.#waiting.shift();
    if (next) next(buffer);
    else this.#buffers.push(buffer);
  }

  /** A disk without room for the model is not filled up: it is loaded all the same. */
  async #room(): Promise<void> {
    if (!this.#store) return;
    if (this.#record.files.length > 0) await this.#noted();
    const need = this.#files.reduce((sum, { size, end, key }) => (end || key ? sum : sum + size), 0);
    const left = await roomLeft();
    if (need <= left) return;
    const kept =
      (await this.#store.list().catch(() => [])).find(({ url }) => url === this.folder)?.bytes ?? 0;
    if (need - kept <= left) return;
    this.#store = undefined;
    console.warn(
      `the model is not kept for the next visit: it needs ${need - kept} bytes, this browser has ${left} left`,
    );
  }

  async #noted(): Promise<void> {
    const all = this.#record.files.length === this.#files.length;
    await this.#store?.note(this.#record, all).catch(() => {});
  }

  async #open(index: number, signal: AbortSignal): Promise<Flight> {
    const file = this.#files[index] as WeightsFile;
    const { name, sha256, begin = 0, end = 0, key = "" } = file;
    let { size } = file;
    const url = new URL(this.folder);
    url.pathname += name;
    const again = this.#again.has(index);
    let remote: Remote = {
      url: url.href,
      size,
      cache: again ? "reload" : this.#store ? "no-store" : "default",
    };
    if (end > 0) {
      // A server without ranges sends all of it: one answer serves all stretches.
      remote = this.#remotes.get(name) ?? remote;
      this.#remotes.set(name, remote);
    }
    const flight: Flight = {
      ...{ index, name, begin, size, sha256, key, tag: "", once: end > 0 || key !== "", remote },
      ...{ kept: undefined, release: () => {}, local: undefined, hasher: undefined, sums: [], loaded: 0 },
    };
    this.#flights.set(index, flight);
    if (this.means.local) {
      flight.local = fileOf(this.means.local, name);
      if (size && flight.local.size !== size) throw wrongLength(name, String(flight.local.size), size);
      flight.size = remote.size = flight.local.size;
    } else if (key || (end && size)) {
      // All is known that need be.
    } else if (!size || !sha256) {
      // Nothing but the server tells one version of the file from another.
      const about = await this.means.wire.about(remote.url, signal);
      if (size && about.size !== size) throw wrongLength(name, String(about.size), size);
      size = flight.size = remote.size = about.size;
      flight.tag = about.tag;
      if (this.#store && !end) flight.key = await keyOf(`${url.origin}${url.pathname} ${size} ${about.tag}`);
    } else {
      flight.key = flight.sha256;
    }
    if (end > 0) flight.size = Math.max(0, Math.min(end, flight.size) - begin);
    if (this.#store && flight.key) await this.#keep(flight, signal, again);
    if (key && !flight.kept?.whole)
      throw new LoadError("missing", `${name} is not in this browser's store any more: load the model again`);
    if (sha256 && flight.size > this.means.settings.block && !flight.kept?.whole) {
      flight.hasher = (await createSHA256()).init();
    }
    return flight;
  }

  /** Opens the file in the store, once no other tab has it. */
  async #keep(flight: Flight, signal: AbortSignal, again: boolean): Promise<void> {
    const { key, size } = flight;
    const hear = ({ data }: MessageEvent<{ key: string; loaded: number }>) => {
      if (data.key === key)
        this.note(`another tab downloads ${flight.name}: ${Math.floor((100 * data.loaded) / size)} %`);
    };
    this.#tabs?.addEventListener("message", hear);
    try {
      const release = await hold(lockOf(key), signal, () =>
        this.note(`another tab downloads ${flight.name}`),
      );
      flight.release = release;
      if (signal.aborted) throw cancelled();
      if (this.#text.startsWith("another tab")) this.note("");
      flight.kept = await this.#store?.open(key, size, this.means.settings.part);
      if (signal.aborted) throw cancelled();
      if (again) await flight.kept?.forget();
    } catch (error) {
      if (!signal.aborted) this.#lose(flight, error);
      else {
        this.#close(flight);
        throw cancelled();
      }
    } finally {
      this.#tabs?.removeEventListener("message", hear);
    }
    if (flight.once || this.#record.files.some((file) => file.key === key)) return;
    this.#record.files.push({ key, size });
    await this.#noted();
  }

  /** Keeping a copy must not cost the visitor the model: a full disk only means another download. */
  #lose(flight: Flight, error: unknown) {
    console.warn(`${flight.name} is not kept for the next visit: ${said(error)}`);
    const { kept } = flight;
    flight.kept = undefined;
    try {
      kept?.close();
    } catch {
      // It is of no use any more.
    }
  }

  /** Brings a block's bytes together, and checks a file that is one block. */
  async #fill(flight: Flight, offset: number, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const { part } = this.means.settings;
    if (flight.local) {
      for (let at = 0; at < bytes.length; at += part)
        await this.#pick(flight, flight.local, offset + at, bytes.subarray(at, at + part));
    } else if (flight.kept?.whole) {
      try {
        for (let at = 0; at < bytes.length; at += part)
          await this.#stored(flight, flight.kept, offset + at, bytes.subarray(at, at + part));
        return;
      } catch (error) {
        this.#harmed.add(flight.index);
        if (flight.once || this.#again.has(flight.index) || bytes.length < flight.size) throw error;
        await this.#refetch(flight, bytes, signal, error as Error);
      }
    } else {
      await this.#parts(flight, offset, bytes, signal).catch(async (error) => {
        if (!damaged(error) || this.#again.has(flight.index) || bytes.length < flight.size) throw error;
        await this.#refetch(flight, bytes, signal, error);
      });
    }
    if (!flight.sha256 || flight.hasher || bytes.length < flight.size) return;
    const got = hex(await sha256(bytes as Uint8Array<ArrayBuffer>));
    if (got === flight.sha256) return;
    const error = wrongHash(flight, got);
    if (this.#again.has(flight.index) || flight.local) throw error;
    await this.#refetch(flight, bytes, signal, error);
    const second = hex(await sha256(bytes as Uint8Array<ArrayBuffer>));
    if (second !== flight.sha256) throw wrongHash(flight, second);
  }

  async #pick(flight: Flight, file: File, at: number, into: Uint8Array): Promise<void> {
    const piece = await file
      .slice(flight.begin + at, flight.begin + at + into.length)
      .arrayBuffer()
      .catch(() => {
        const why = "it was moved or changed since it was picked";
        throw new LoadError("missing", `${flight.name} cannot be read any more: ${why}`);
      });
    into.set(new Uint8Array(piece));
    this.#count(flight, into.length);
  }

  /** A part of a file that was checked when it was stored. */
  async #stored(flight: Flight, kept: Kept, at: number, into: Uint8Array): Promise<void> {
    const trouble = await kept.read(at, into).then(
      async () => {
        const sum = kept.sum(at / this.means.settings.part);
        return (await this.#sum(into)) === sum ? "" : "a part of it is not what was stored";
      },
      (error) => said(error),
    );
    if (trouble)
      throw new LoadError(
        "wrong_hash",
        `${flight.name}, as this browser has kept it, is damaged: ${trouble}`,
      );
    this.#count(flight, into.length);
  }

  async #sum(bytes: Uint8Array): Promise<string> {
    return (await this.#summer).init().update(bytes).digest();
  }

  /** A damaged copy may sit in a cache on the way: once more, past the caches. */
  async #refetch(flight: Flight, bytes: Uint8Array, signal: AbortSignal, why: Error): Promise<void> {
    console.warn(`fetching it again: ${why.message}`);
    this.#again.add(flight.index);
    await flight.kept?.forget().catch((error) => this.#lose(flight, error));
    flight.remote.cache = "reload";
    this.#count(flight, -flight.loaded);
    await this.#parts(flight, 0, bytes, signal);
  }

  async #parts(flight: Flight, offset: number, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const { part } = this.means.settings;
    const { remote } = flight;
    const parts: Promise<void>[] = [];
    for (let at = 0; at < bytes.length; at += part) {
      const into = bytes.subarray(at, at + part);
      parts.push(this.#part(flight, remote, offset + at, into, signal));
    }
    // All of them end before the block does: what one brought is kept even where another failed.
    for (const { status, reason } of (await Promise.allSettled(parts)) as PromiseRejectedResult[]) {
      if (status === "rejected") throw reason;
    }
  }

  async #part(
    flight: Flight,
    remote: Remote,
    begin: number,
    into: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const index = begin / this.means.settings.part;
    let have = flight.kept?.have(index) ?? 0;
    if (have > 0) {
      try {
        await flight.kept?.read(begin, into.subarray(0, have));
        this.#count(flight, have);
      } catch (error) {
        console.warn(`${flight.name} is fetched where it could not be read: ${said(error)}`);
        have = 0;
      }
    }
    if (have === into.length) {
      const sum = await this.#sum(into);
      const noted = flight.kept?.sum(index);
      flight.sums[index] = sum;
      if (!noted || noted === sum) return;
      // Where the index has no hash, nothing else would ever tell.
      console.warn(`${flight.name} is fetched where the disk has changed it`);
      this.#count(flight, -have);
      have = 0;
    }
    const done = await this.#lines.take(signal);
    try {
      const first = flight.begin + begin;
      const sink = (at: number, bytes: Uint8Array) => {
        into.set(bytes, at - first);
        try {
          flight.kept?.write(at, bytes);
        } catch (error) {
          this.#lose(flight, error);
        }
        this.#text = "";
        this.#count(flight, bytes.length);
      };
      await this.means.wire.pull(remote, first + have, first + into.length, sink, signal);
    } finally {
      done();
    }
    if (!flight.kept) return;
    const sum = await this.#sum(into);
    flight.sums[index] = sum;
    await flight.kept?.part(index, into, sum).catch((error) => this.#lose(flight, error));
  }

  /** A file that is whole and right: trusted from now on, and free for other tabs. */
  async #finish(flight: Flight): Promise<void> {
    if (flight.kept && !flight.kept.whole)
      await flight.kept.trust(flight.sums).catch((error) => this.#lose(flight, error));
    this.#close(flight);
    this.#flights.delete(flight.index);
    this.#done += flight.size;
    this.#tell(true);
  }

  #close(flight: Flight) {
    try {
      flight.kept?.close();
    } catch {
      // The disk's affair; the journal tells what is there.
    }
    flight.kept = undefined;
    flight.release();
    if (!this.#remotes.has(flight.name)) flight.remote.line?.stop.abort();
  }

  /** Begins again with a file of several blocks that was damaged. */
  async #restart(flight: Flight, why: Error): Promise<void> {
    console.warn(`fetching it again: ${why.message}`);
    this.#stop.abort();
    for (const task of this.#tasks.splice(0)) {
      await task?.ready.catch(() => {});
      if (task?.buffer.length === this.#unit) this.#buffers.push(task.buffer);
    }
    this.#waiting.length = 0;
    this.#give();
    for (const open of this.#flights.values()) this.#close(open);
    this.#flights.clear();
    this.#again.add(flight.index);
    this.#allocated = Math.min(this.#allocated, this.#buffers.length);
    this.#stop = new AbortController();
    this.#run(flight.index);
  }

  #count(flight: Flight, bytes: number) {
    flight.loaded += bytes;
    this.#current = flight.name;
    this.#tell(false);
  }

  #tell(now: boolean) {
    if (this.#stop.signal.aborted) return; // nobody listens any more
    const time = performance.now();
    if (!now && time - this.#last.time < 50) return;
    this.#last.time = time;
    let bytes = this.#done;
    for (const flight of this.#flights.values()) bytes += flight.loaded;
    const known = this.#files.every((file) => lengthOf(file) > 0);
    this.arrived(
      bytes,
      known ? this.#files.reduce((sum, file) => sum + lengthOf(file), 0) : 0,
      this.#current,
      this.#text,
    );
    if (time - this.#last.told < 250) return;
    this.#last.told = time;
    for (const { key, kept, loaded } of this.#flights.values())
      if (kept) this.#tabs?.postMessage({ key, loaded });
  }
}

/** What is not worth a block's buffer, in bytes: a layer's norms and biases. */
const LITTLE = 1 << 16;

function give(buffer: ArrayBufferLike) {
  if ("transfer" in buffer) (buffer.transfer as (size: number) => void)(0);
}

/** This many at once, first come, first served. */
class Turns {
  readonly #waiting: (() => void)[] = [];

  constructor(private free: number) {}

  async take(signal: AbortSignal): Promise<() => void> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const give = () => {
      const next = this.#waiting.shift();
      if (next) next();
      else this.free++;
    };
    if (!signal.aborted) return give;
    give();
    throw cancelled();
  }
}

/** An address without the file's name and without what a link may carry behind its question mark. */
function folderOf(url: string): string {
  return new URL(".", url).href;
}

function fileOf(files: Map<string, File>, name: string): File {
  const file = files.get(name);
  if (!file) throw new LoadError("missing", `${name} is missing from the files that were picked`);
  return file;
}

function wrongHash({ name, sha256, local }: Flight, got: string): LoadError {
  const where = local ? "this copy" : "the copy on the server";
  return new LoadError(
    "wrong_hash",
    `${name} arrived damaged: its SHA-256 is ${got.slice(0, 12)}…, the index says ${sha256.slice(0, 12)}…; ` +
      `${where} is broken or belongs to another version of the model`,
  );
}
