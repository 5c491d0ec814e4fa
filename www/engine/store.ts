/**
 * Where model files stay between visits: the origin's private file system, or
 * the Cache API where that is missing. A weights file is kept under its hash,
 * so that two models which share it share it here, too; a journal beside it
 * says byte by byte how far each of its parts has come, so that a reload, or a
 * tab that was killed, goes on where it stopped.
 *
 *     samba-models/files/KEY        the bytes of a weights file
 *     samba-models/files/KEY.have   its journal
 *     samba-models/small/KEY        config, tokenizer, index: for days without a network
 *     samba-models/models/KEY.json  a Record: which files belong to a model
 */
import { hex, sha256 } from "./digest.ts";
import { within } from "./within.ts";

/** A weights file in the store, held by this worker alone. */
export interface Kept {
  /** All there, and checked. */
  readonly whole: boolean;
  /** How many bytes are there from the start of a part on. */
  have(part: number): number;
  /** Fills into from the file's byte at on. */
  read(at: number, into: Uint8Array): Promise<void>;
  /** Keeps bytes that continue a part. */
  write(at: number, bytes: Uint8Array): void;
  /** Keeps a part that is complete, where bytes cannot be kept one by one, or its sum. */
  part(part: number, bytes: Uint8Array, sum: string): Promise<void>;
  /** What a part was when it came, or when the file was checked: see Kept.trust. "" where that was not noted. */
  sum(part: number): string;
  /** The file has been checked: it is trusted from now on, as long as its parts have these sums. */
  trust(sums: string[]): Promise<void>;
  /** The bytes turned out damaged: forgets them. */
  forget(): Promise<void>;
  close(): void;
}

export interface Store {
  /** Opens a file of size bytes, cut into parts of the length given. */
  open(key: string, size: number, part: number): Promise<Kept>;
  /** A small file, if it is kept. */
  small(key: string): Promise<Uint8Array | undefined>;
  keepSmall(key: string, data: Uint8Array): Promise<void>;
  /**
   * Notes that a model is in use. All says that its weights files are all known: then files that no model has any more
   * are deleted, such as those of an older release of this one. Else those that were noted before stay noted.
   */
  note(record: Record, all: boolean): Promise<void>;
  /** The models that are kept, the one used last first. */
  list(): Promise<StoredModel[]>;
  /** Deletes a model, but for files that another one needs. */
  remove(url: string): Promise<void>;
}

/** What belongs to a stored model. */
export interface Record {
  /** The folder's address. */
  url: string;
  /** Keys and sizes of its weights files. */
  files: { key: string; size: number }[];
  /** Keys of its small files. */
  small: string[];
  /** When it was last loaded, in milliseconds since 1970. */
  used: number;
}

export interface StoredModel {
  url: string;
  /** Bytes of it that are stored. */
  bytes: number;
  /** Bytes that it has in all. */
  total: number;
  /** All there: it loads without a network. */
  complete: boolean;
  used: Date;
}

/** The best store that this browser has; none in a page that may keep nothing. */
export async function openStore(): Promise<Store | undefined> {
  try {
    const root = await within(navigator.storage.getDirectory(), "the store of models");
    const models = await root.getDirectoryHandle("samba-models", { create: true });
    const folder = (name: string) => models.getDirectoryHandle(name, { create: true });
    const [files, small, records] = await within(
      Promise.all([folder("files"), folder("small"), folder("models")]),
      "the store of models",
    );
    const store = new FileStore(files, small, records);
    return limited(store);
  } catch {
    // An old browser or a private window.
  }
  try {
    return new CacheStore(rooted(await caches.open("samba-files")));
  } catch {
    return undefined;
  }
}

/** A store whose answers come in time or not at all: what cannot be kept must not keep a model from loading. */
export function limited(store: Store, patience?: number): Store {
  const soon = <T>(answer: Promise<T>) => within(answer, "the store of models", patience);
  return {
    async open(...what) {
      const kept = await soon(store.open(...what));
      return {
        get whole() {
          return kept.whole;
        },
        have: (part) => kept.have(part),
        read: (at, into) => soon(kept.read(at, into)),
        write: (at, bytes) => kept.write(at, bytes),
        part: (...what) => soon(kept.part(...what)),
        sum: (part) => kept.sum(part),
        trust: (sums) => soon(kept.trust(sums)),
        forget: () => soon(kept.forget()),
        close: () => kept.close(),
      };
    },
    small: (key) => soon(store.small(key)).catch(() => undefined),
    keepSmall: (key, data) => soon(store.keepSmall(key, data)),
    note: (record, all) => soon(store.note(record, all)),
    list: () => soon(store.list()),
    remove: (url) => soon(store.remove(url)),
  };
}

export async function keyOf(text: string): Promise<string> {
  return hex(await sha256(new TextEncoder().encode(text))).slice(0, 40);
}

/** One tab at a time notes models, and deletes what none of them has. */
async function alone<T>(work: () => Promise<T>): Promise<T> {
  const { locks } = navigator;
  return locks ? await locks.request("samba-records", work) : await work();
}

/** Deletes a weights file, but where a tab has it open: that is left to the next time. */
async function release(key: string, work: () => Promise<void>): Promise<void> {
  const { locks } = navigator;
  const free = () => work().catch(() => {});
  if (locks)
    await locks.request(lockOf(key), { ifAvailable: true }, async (lock) => {
      if (lock) await free();
    });
  else await free();
}

/** The lock that a tab holds while it has a weights file open. */
export const lockOf = (key: string): string => `samba-models/${key}`;

/** A record to be written over one of the same model. */
function merged(record: Record, before: Record | undefined, all: boolean): Record {
  const known = new Set(record.files.map(({ key }) => key));
  const more = all ? [] : (before?.files.filter(({ key }) => !known.has(key)) ?? []);
  return {
    ...record,
    files: [...record.files, ...more],
    small: [...new Set([...record.small, ...(before?.small ?? [])])],
  };
}

const keysOf = (records: Record[]) => new Set(records.flatMap(({ files }) => files.map(({ key }) => key)));

/** FileSystemSyncAccessHandle, which the DOM's types have for workers only. */
interface Access {
  read(into: Uint8Array, options: { at: number }): number;
  write(from: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

type Accessible = FileSystemFileHandle & {
  createSyncAccessHandle(options?: { mode: string }): Promise<Access>;
};

/**
 * A journal: this number, the part's length, the file's size in two words, 1 once checked, then bytes by part, then the
 * parts' sums in two words each. The one before it had no sums.
 */
const MAGIC = 0x53414d33;
const BEFORE = 0x53414d32;
const HEAD = 5;

class FileStore implements Store {
  constructor(
    private readonly files: FileSystemDirectoryHandle,
    private readonly smalls: FileSystemDirectoryHandle,
    private readonly models: FileSystemDirectoryHandle,
  ) {}

  async open(key: string, size: number, part: number): Promise<Kept> {
    const file = (await this.files.getFileHandle(key, { create: true })) as Accessible;
    const have = (await this.files.getFileHandle(`${key}.have`, { create: true })) as Accessible;
    const journal = await access(have);
    try {
      return new KeptFile(await access(file), journal, size, part);
    } catch (error) {
      journal.close();
      throw error;
    }
  }

  async small(key: string): Promise<Uint8Array | undefined> {
    try {
      const file = await (await this.smalls.getFileHandle(key)).getFile();
      return new Uint8Array(await file.arrayBuffer());
    } catch {
      return undefined;
    }
  }

  keepSmall = (key: string, data: Uint8Array) => replace(this.smalls, key, data);

  async note(record: Record, all: boolean): Promise<void> {
    await alone(async () => {
      const before = (await this.#records()).find((other) => other?.url === record.url);
      const data = new TextEncoder().encode(JSON.stringify(merged(record, before, all)));
      await replace(this.models, `${await keyOf(record.url)}.json`, data);
      if (all) await this.#sweep();
    });
  }

  /** Deletes weights files that no record names. */
  async #sweep(): Promise<void> {
    const records = await this.#records();
    const sound = records.filter((record) => record !== undefined);
    if (sound.length < records.length) return; // what that model needs is not known
    const needed = keysOf(sound);
    const there = new Set<string>();
    for await (const name of this.files.keys()) there.add(name.replace(/\.have$/, ""));
    for (const key of there) if (!needed.has(key)) await release(key, () => this.#delete(key));
  }

  async #delete(key: string): Promise<void> {
    await gone(this.files, `${key}.have`);
    await gone(this.files, key);
  }

  async list(): Promise<StoredModel[]> {
    const models: StoredModel[] = [];
    for (const { url, files, used } of await this.#sound()) {
      let bytes = 0;
      let complete = true;
      for (const { key, size } of files) {
        const have = await this.#journal(key);
        const whole = have?.[4] === 1;
        complete &&= whole;
        const parts = have?.subarray(HEAD, HEAD + Math.ceil(size / (have[1] || size))) ?? new Uint32Array();
        bytes += whole ? size : parts.reduce((sum, n) => sum + n, 0);
      }
      const total = files.reduce((sum, { size }) => sum + size, 0);
      models.push({ url, bytes, total, complete, used: new Date(used) });
    }
    return models.sort((a, b) => b.used.getTime() - a.used.getTime());
  }

  async remove(url: string): Promise<void> {
    const records = await this.#sound();
    const others = records.filter((record) => record.url !== url);
    const needed = new Set(others.flatMap(({ files, small }) => [...files.map(({ key }) => key), ...small]));
    for (const record of records.filter((record) => record.url === url)) {
      for (const { key } of record.files.filter(({ key }) => !needed.has(key))) await this.#delete(key);
      for (const key of record.small.filter((key) => !needed.has(key))) await gone(this.smalls, key);
      await gone(this.models, `${await keyOf(url)}.json`);
    }
  }

  async #journal(key: string): Promise<Uint32Array | undefined> {
    try {
      const file = await (await this.files.getFileHandle(`${key}.have`)).getFile();
      const words = new Uint32Array((await file.arrayBuffer()).slice(0, file.size & ~3));
      return words[0] === MAGIC || words[0] === BEFORE ? words : undefined;
    } catch {
      return undefined;
    }
  }

  async #sound(): Promise<Record[]> {
    return (await this.#records()).filter((record) => record !== undefined);
  }

  /** All records; undefined is one that cannot be read. */
  async #records(): Promise<(Record | undefined)[]> {
    const records: (Record | undefined)[] = [];
    for await (const handle of this.models.values()) {
      try {
        const text = await (await (handle as FileSystemFileHandle).getFile()).text();
        records.push(JSON.parse(text));
      } catch {
        records.push(undefined); // half written when a tab was killed: the next load of that model writes it again
      }
    }
    return records;
  }
}

/** Opens a file for this worker alone. A worker that has just been ended may hold it for a moment. */
async function access(file: Accessible): Promise<Access> {
  for (let pause = 20; ; pause *= 2) {
    try {
      return await file.createSyncAccessHandle();
    } catch (error) {
      if (pause > 2000) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/** Writes a file so that a reader finds the old content or the new one. */
async function replace(folder: FileSystemDirectoryHandle, name: string, data: Uint8Array): Promise<void> {
  const file = await folder.getFileHandle(name, { create: true });
  if ("createWritable" in file) {
    const writable = await file.createWritable();
    await writable.write(data as Uint8Array<ArrayBuffer>);
    await writable.close();
    return;
  }
  const open = await access(file as Accessible);
  try {
    open.truncate(0);
    open.write(data, { at: 0 });
  } finally {
    open.close();
  }
}

async function gone(folder: FileSystemDirectoryHandle, name: string): Promise<void> {
  try {
    await folder.removeEntry(name);
  } catch (error) {
    if ((error as DOMException).name !== "NotFoundError") throw error;
  }
}

class KeptFile implements Kept {
  readonly #journal: Uint32Array;
  readonly #parts: number;
  #open = true;

  constructor(
    private readonly file: Access,
    private readonly notes: Access,
    private readonly size: number,
    private readonly partSize: number,
  ) {
    this.#parts = Math.ceil(size / partSize);
    this.#journal = new Uint32Array(HEAD + 3 * this.#parts);
    const read = notes.read(bytesOf(this.#journal), { at: 0 });
    const [magic, part, low, high, whole] = this.#journal;
    const words = magic === BEFORE ? HEAD + this.#parts : this.#journal.length;
    const fits =
      read === 4 * words &&
      notes.getSize() === read &&
      (magic === MAGIC || magic === BEFORE) &&
      part === partSize &&
      low === size % 2 ** 32 &&
      high === Math.floor(size / 2 ** 32) &&
      (whole === 0 || file.getSize() === size);
    if (!fits) this.#fresh();
    else if (magic === BEFORE) this.#renew();
  }

  get whole() {
    return this.#journal[4] === 1;
  }

  have(part: number): number {
    return Math.min(this.#journal[HEAD + part] ?? 0, this.size - part * this.partSize);
  }

  async read(at: number, into: Uint8Array): Promise<void> {
    if (this.file.read(into, { at }) !== into.length)
      throw new Error("the stored file is shorter than noted");
  }

  write(at: number, bytes: Uint8Array): void {
    if (this.file.write(bytes, { at }) !== bytes.length) throw new Error("the disk is full");
    const part = Math.floor(at / this.partSize);
    const have = at + bytes.length - part * this.partSize;
    this.#set(HEAD + part, have); // after the bytes: a tab may be killed between the two
  }

  async part(part: number, _: Uint8Array, sum: string): Promise<void> {
    this.#note(part, sum);
  }

  sum(part: number): string {
    const at = HEAD + this.#parts + 2 * part;
    const words = this.#journal.subarray(at, at + 2);
    return words.some((word) => word > 0)
      ? Array.from(words, (word) => word.toString(16).padStart(8, "0")).join("")
      : "";
  }

  async trust(sums: string[]): Promise<void> {
    this.file.flush();
    sums.forEach((sum, part) => {
      this.#note(part, sum);
    });
    this.#set(4, 1); // after the sums: a tab may be killed between the two
    this.notes.flush();
  }

  async forget(): Promise<void> {
    this.#fresh();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.file.close();
    this.notes.close();
  }

  #fresh() {
    const head = [MAGIC, this.partSize, this.size % 2 ** 32, Math.floor(this.size / 2 ** 32), 0];
    this.#journal.fill(0);
    this.#journal.set(head);
    this.notes.truncate(0);
    this.notes.write(bytesOf(this.#journal), { at: 0 });
    this.file.truncate(0);
  }

  /** All that a journal without sums has is there, and is to be checked once more. */
  #renew() {
    this.#journal[0] = MAGIC;
    this.#journal[4] = 0;
    this.notes.write(bytesOf(this.#journal), { at: 0 });
  }

  #note(part: number, sum: string) {
    const at = HEAD + this.#parts + 2 * part;
    this.#set(at, Number.parseInt(sum.slice(0, 8), 16));
    this.#set(at + 1, Number.parseInt(sum.slice(8), 16));
  }

  #set(word: number, value: number) {
    this.#journal[word] = value;
    this.notes.write(bytesOf(this.#journal).subarray(4 * word, 4 * word + 4), { at: 4 * word });
  }
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** What is used of a cache, by paths on this origin. */
type Rooted = Pick<Cache, "keys"> & {
  match(path: string): Promise<Response | undefined>;
  put(path: string, response: Response): Promise<void>;
  delete(path: string): Promise<boolean>;
};

/** A worker that another site's script starts has a blob's address, on which no path can build. */
function rooted(cache: Cache): Rooted {
  const at = (path: string) => new URL(path, globalThis.origin).href;
  return {
    keys: () => cache.keys(),
    match: (path) => cache.match(at(path)),
    put: (path, response) => cache.put(at(path), response),
    delete: (path) => cache.delete(at(path)),
  };
}

/** Parts as responses of the Cache API: a file resumes at the part where it stopped. */
class CacheStore implements Store {
  constructor(private readonly cache: Rooted) {}

  async open(key: string, size: number, part: number): Promise<Kept> {
    const at = (name: number | string) => `/samba-files/${key}/${size}-${part}/${name}`;
    const keys = new Set((await this.cache.keys()).map(({ url }) => new URL(url).pathname));
    const { cache } = this;
    const length = (index: number) => Math.min(part, size - index * part);
    // Parts from before there were sums are to be checked once more.
    const noted: unknown = await (await cache.match(at("whole")))?.json().catch(() => undefined);
    let sums: string[] = Array.isArray(noted) ? noted : [];
    return {
      get whole() {
        return sums.length > 0;
      },
      have: (index) => (keys.has(at(index)) ? length(index) : 0),
      async read(from, into) {
        for (let done = 0; done < into.length; ) {
          const index = Math.floor((from + done) / part);
          const data = new Uint8Array((await (await cache.match(at(index)))?.arrayBuffer()) ?? []);
          if (data.length !== length(index)) throw new Error("the stored file is shorter than noted");
          const piece = data.subarray(from + done - index * part).subarray(0, into.length - done);
          into.set(piece, done);
          done += piece.length;
        }
      },
      write() {},
      part: (index, bytes) => cache.put(at(index), new Response(bytes.slice())),
      sum: (index) => sums[index] ?? "",
      trust: (sums) => cache.put(at("whole"), new Response(JSON.stringify(sums))),
      async forget() {
        sums = [];
        for (const path of keys) if (path.startsWith(at(""))) await cache.delete(path);
        for (let index = 0; index * part < size; index++) await cache.delete(at(index));
        keys.clear();
      },
      close() {},
    };
  }

  async small(key: string): Promise<Uint8Array | undefined> {
    const kept = await this.cache.match(`/samba-small/${key}`);
    return kept && new Uint8Array(await kept.arrayBuffer());
  }

  async keepSmall(key: string, data: Uint8Array): Promise<void> {
    await this.cache.put(`/samba-small/${key}`, new Response(data as Uint8Array<ArrayBuffer>));
  }

  async note(record: Record, all: boolean): Promise<void> {
    await alone(async () => {
      const path = `/samba-model/${await keyOf(record.url)}`;
      const whole = merged(record, await this.#record(path), all);
      await this.cache.put(path, new Response(JSON.stringify(whole)));
      if (all) await this.#sweep();
    });
  }

  /** Deletes weights files that no record names. */
  async #sweep(): Promise<void> {
    const paths = await this.#paths();
    const records = paths.filter((path) => path.startsWith("/samba-model/"));
    const needed = keysOf(await Promise.all(records.map((path) => this.#record(path))));
    const unused = new Map<string, string[]>();
    for (const path of paths.filter((path) => path.startsWith("/samba-files/"))) {
      const key = path.split("/")[2] ?? "";
      if (!needed.has(key)) unused.set(key, [...(unused.get(key) ?? []), path]);
    }
    for (const [key, all] of unused)
      await release(key, async () => {
        for (const path of all) await this.cache.delete(path);
      });
  }

  async #paths(): Promise<string[]> {
    return (await this.cache.keys()).map(({ url }) => new URL(url).pathname);
  }

  async list(): Promise<StoredModel[]> {
    const paths = await this.#paths();
    const models: StoredModel[] = [];
    for (const path of paths.filter((path) => path.startsWith("/samba-model/"))) {
      const { url, files, used } = await this.#record(path);
      let bytes = 0;
      let complete = true;
      for (const { key, size } of files) {
        const mine = paths.filter((path) => path.startsWith(`/samba-files/${key}/`));
        const whole = mine.some((path) => path.endsWith("/whole"));
        complete &&= whole;
        const part = Number(mine[0]?.split("/")[3]?.split("-")[1] ?? 0);
        bytes += whole ? size : Math.min(size, mine.length * part);
      }
      const total = files.reduce((sum, { size }) => sum + size, 0);
      models.push({ url, bytes, total, complete, used: new Date(used) });
    }
    return models.sort((a, b) => b.used.getTime() - a.used.getTime());
  }

  async remove(url: string): Promise<void> {
    const own = `/samba-model/${await keyOf(url)}`;
    const paths = await this.#paths();
    const needed = new Set<string>();
    for (const path of paths.filter((path) => path.startsWith("/samba-model/") && path !== own)) {
      const { files, small } = await this.#record(path);
      for (const key of [...files.map(({ key }) => key), ...small]) needed.add(key);
    }
    if (!paths.includes(own)) return;
    const { files, small } = await this.#record(own);
    for (const key of [...files.map(({ key }) => key), ...small].filter((key) => !needed.has(key))) {
      for (const path of paths.filter((path) => path.split("/")[2] === key)) await this.cache.delete(path);
    }
    await this.cache.delete(own);
  }

  async #record(path: string): Promise<Record> {
    const kept = await this.cache.match(path);
    return kept ? await kept.json() : { url: "", files: [], small: [], used: 0 };
  }
}
