/**
 * Files that the engine makes of a model's own, packed in fewer bits, on their
 * way into the store: each is kept front to back, hashed, and trusted once it is
 * whole. Where there is no store, or no room, they are hashed all the same.
 */
import { createSHA256, createXXHash64, type IHasher } from "hash-wasm";
import { said } from "./errors.ts";
import { hold } from "./hold.ts";
import type { Kept, Store } from "./store.ts";
import { within } from "./within.ts";

/** A file that is made. */
export interface MadeFile {
  name: string;
  size: number;
  /** What it is kept by. */
  key: string;
}

/** The file that is made at present. */
interface Made {
  file: MadeFile;
  kept: Kept | undefined;
  hasher: IHasher;
  /** Of its parts that are whole. */
  sums: string[];
  /** The part that is not whole yet, and how much of it is there. */
  part: Uint8Array;
  filled: number;
}

export class Keeping {
  /** Which of the files are there already. */
  readonly whole: boolean[];
  #made: Made | undefined;
  readonly #summer = createXXHash64();
  readonly #part: Uint8Array;

  private constructor(
    private readonly store: Store | undefined,
    private readonly files: MadeFile[],
    private readonly release: () => void,
    part: number,
  ) {
    this.whole = files.map(() => false);
    this.#part = new Uint8Array(part);
  }

  /**
   * Waits until no other tab makes the model's files, and looks which are there.
   * Name is what the store lists the model by, small the keys of its small files,
   * part the length of a file's parts.
   */
  static async open(
    store: Store | undefined,
    name: string,
    files: MadeFile[],
    small: string[],
    part: number,
    signal: AbortSignal,
    note: (text: string) => void,
  ): Promise<Keeping> {
    if (!store) return new Keeping(undefined, files, () => {}, part);
    const release = await hold(`samba-packs/${files[0]?.key}`, signal, () =>
      note("another tab packs this model"),
    );
    note("");
    const before = (await store.list().catch(() => [])).find(({ url }) => url === name);
    const whole: boolean[] = [];
    for (const { key, size } of before ? files : []) {
      const kept = await store.open(key, size, part).catch(() => undefined);
      whole.push(kept?.whole ?? false);
      kept?.close();
    }
    const need = files.reduce((sum, { size }, i) => (whole[i] ? sum : sum + size), 0);
    const room = await roomLeft();
    if (need > room)
      console.warn(`the model is not kept for the next visit: it needs ${need} bytes, ${room} are left`);
    const keeping = new Keeping(need > room ? undefined : store, files, release, part);
    keeping.whole.splice(0, whole.length, ...whole);
    const record = {
      url: name,
      files: files.map(({ key, size }) => ({ key, size })),
      small,
      used: Date.now(),
    };
    if (need <= room || before) await store.note(record, true).catch(() => {});
    if (need === 0) release(); // other tabs may read beside this one
    return keeping;
  }

  /** Begins one of the files, from nothing. */
  async begin(index: number): Promise<void> {
    this.#drop();
    const file = this.files[index] as MadeFile;
    const hasher = (await createSHA256()).init();
    const made: Made = { file, kept: undefined, hasher, sums: [], part: this.#part, filled: 0 };
    this.#made = made;
    try {
      made.kept = await this.store?.open(file.key, file.size, this.#part.length);
      await made.kept?.forget();
    } catch (error) {
      this.#lose(made, error);
    }
  }

  /** Goes on with it. */
  async write(bytes: Uint8Array): Promise<void> {
    const made = this.#made as Made;
    made.hasher.update(bytes);
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + made.part.length - made.filled);
      made.part.set(piece, made.filled);
      made.filled += piece.length;
      at += piece.length;
      if (made.filled === made.part.length) await this.#keepPart(made);
    }
  }

  /** Ends it: it is whole, and trusted from now on. Its SHA-256. */
  async finish(): Promise<string> {
    const made = this.#made as Made;
    if (made.filled > 0) await this.#keepPart(made);
    try {
      await made.kept?.trust(made.sums);
    } catch (error) {
      this.#lose(made, error);
    }
    this.#drop();
    return made.hasher.digest();
  }

  close(): void {
    this.#drop();
    this.release();
  }

  async #keepPart(made: Made): Promise<void> {
    const bytes = made.part.subarray(0, made.filled);
    const index = made.sums.length;
    const sum = (await this.#summer).init().update(bytes).digest();
    made.sums.push(sum);
    made.filled = 0;
    try {
      made.kept?.write(index * made.part.length, bytes);
      await made.kept?.part(index, bytes, sum);
    } catch (error) {
      this.#lose(made, error);
    }
  }

  /** Keeping a copy must not cost the visitor the model. */
  #lose(made: Made, error: unknown) {
    console.warn(`${made.file.name} is not kept for the next visit: ${said(error)}`);
    const { kept } = made;
    made.kept = undefined;
    try {
      kept?.close();
    } catch {
      // It is of no use any more.
    }
  }

  #drop() {
    try {
      this.#made?.kept?.close();
    } catch {
      // The disk's affair; what is not trusted is made once more.
    }
    this.#made = undefined;
  }
}

/** Bytes that the browser has left for this site; any number where it does not tell. */
export async function roomLeft(): Promise<number> {
  const estimate = within(globalThis.navigator?.storage?.estimate?.(), "the room for models");
  const { quota = Number.POSITIVE_INFINITY, usage = 0 } = (await estimate.catch(() => {})) ?? {};
  return quota - usage;
}
