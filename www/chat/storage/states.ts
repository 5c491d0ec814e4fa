/**
 * States of conversations: what the engine knew after a turn, so that going on
 * from there reads nothing again. The bytes lie in the origin's private file
 * system, each save under a name of its own; which belong to which message
 * stands in IndexedDB and is written last, so that a state is there wholly or
 * not at all. Those used least recently make room for others.
 */
import type { DBSchema } from "idb";
import { inspectState } from "../../engine/client.ts";
import { within } from "../../engine/within.ts";
import { strings } from "../../strings.ts";
import { type Message, newId } from "../conversation.ts";
import { Database } from "./database.ts";
import { type ConversationStates, type KeptState, RoomError } from "./storage.ts";

interface Schema extends DBSchema {
  states: {
    key: string;
    value: KeptState;
    indexes: { conversation: string; file: string; used: number };
  };
}

const LIMIT = "samba-states-limit";
const FOLDER = "samba-states";

/** What visitors may choose as the room for states, in bytes. */
export const rooms = [0, 256e6, 1e9, 4e9, 16e9];
const standardRoom = 1e9;

export class States implements ConversationStates {
  private constructor(private folder: FileSystemDirectoryHandle | undefined) {}

  readonly #database = new Database<Schema>("samba-states", {
    states(database) {
      const states = database.createObjectStore("states", { keyPath: "message" });
      for (const index of ["conversation", "file", "used"] as const) states.createIndex(index, index);
    },
  });

  /** Opens what is kept; where the browser keeps no files (private windows), nothing ever is. */
  static async open(): Promise<States> {
    try {
      const folder = await within(openFolder(), "the folder of states does not open");
      if (!("createWritable" in FileSystemFileHandle.prototype)) throw new Error("files cannot be written");
      const states = new States(folder);
      await states.#database.use((database) => database.count("states"));
      void alone(() => states.#sweep()).catch(() => {}); // the next visit tries again
      return states;
    } catch (error) {
      console.warn(`states are not kept: ${error}`);
      return new States(undefined);
    }
  }

  get available(): boolean {
    return this.folder !== undefined;
  }

  get limit(): number {
    try {
      const chosen = Number(localStorage.getItem(LIMIT) ?? standardRoom);
      return chosen >= 0 ? chosen : standardRoom;
    } catch {
      return standardRoom;
    }
  }

  async setLimit(bytes: number): Promise<void> {
    try {
      localStorage.setItem(LIMIT, String(bytes));
    } catch {
      // It holds until the page is closed at least for what is kept now.
    }
    await alone(() => this.#fit(bytes));
  }

  /** How many states are kept, and their bytes. */
  async usage(): Promise<{ count: number; bytes: number }> {
    const files = new Map((await this.#all()).map(({ file, bytes }) => [file, bytes]));
    return { count: files.size, bytes: [...files.values()].reduce((sum, n) => sum + n, 0) };
  }

  async keep(message: Message, system: string, blob: Blob): Promise<void> {
    const { limit } = this;
    if (limit < blob.size) return;
    if (!this.folder) throw new RoomError(strings.stateUnavailable);
    const { model, position } = await inspectState(blob);
    const file = newId();
    await alone(async () => {
      try {
        await write(this.folder, file, blob);
      } catch {
        // The disk is fuller than was agreed: once more, in the place of what other conversations have. Or the site's
        // data was deleted while the page is open: once more, in a new folder.
        try {
          await this.#fit((await this.usage()).bytes - blob.size, message.conversation);
          this.folder = await within(openFolder(), "the folder of states does not open");
          await write(this.folder, file, blob);
        } catch (error) {
          const full = (error as Error).name === "QuotaExceededError";
          throw new RoomError(full ? strings.stateFull : strings.stateLost);
        }
      }
      const { id, conversation } = message;
      const entry = { conversation, system, model, position, file, bytes: blob.size, used: Date.now() };
      await this.#replace({ message: id, ...entry });
      await this.#fit(limit); // last: what could not be written makes nothing go
    });
  }

  async find(message: string): Promise<KeptState | undefined> {
    if (!this.folder || !message) return undefined;
    try {
      return await this.#database.use((database) => database.get("states", message));
    } catch {
      return undefined;
    }
  }

  async of(conversation: string): Promise<Map<string, KeptState>> {
    if (!this.folder) return new Map();
    try {
      const all = await this.#database.use((database) =>
        database.getAllFromIndex("states", "conversation", conversation),
      );
      return new Map(all.map((kept) => [kept.message, kept]));
    } catch {
      return new Map();
    }
  }

  async read(kept: KeptState): Promise<Blob | undefined> {
    try {
      const handle = await within(this.folder?.getFileHandle(kept.file), "a kept state does not open");
      const file = await within(handle?.getFile(), "a kept state does not open");
      if (file?.size !== kept.bytes) throw new Error("it is cut short");
      await this.#put({ ...kept, used: Date.now() });
      return file;
    } catch {
      await this.drop(kept);
      return undefined;
    }
  }

  async share(conversation: string, pairs: [from: string, to: Message][]): Promise<void> {
    const all = await this.of(conversation);
    for (const [from, to] of pairs) {
      const kept = all.get(from);
      if (kept) await this.#put({ ...kept, message: to.id, conversation: to.conversation });
    }
  }

  async drop(kept: KeptState): Promise<void> {
    await alone(() => this.#remove([kept])).catch(() => {});
  }

  async forget(conversation?: string): Promise<void> {
    await alone(async () =>
      this.#remove((await this.#all()).filter((kept) => !conversation || kept.conversation === conversation)),
    );
  }

  async #put(kept: KeptState): Promise<void> {
    await this.#database.use((database) => database.put("states", kept));
  }

  async #all(): Promise<KeptState[]> {
    if (!this.folder) return [];
    return await this.#database.use((database) => database.getAllFromIndex("states", "used"));
  }

  /** Removes those used least recently, but for one conversation's, until the rest takes no more than this many bytes. */
  async #fit(most: number, but?: string): Promise<void> {
    let { bytes } = await this.usage();
    for (const kept of await this.#all()) {
      if (bytes <= Math.max(0, most)) return;
      if (kept.conversation === but) continue;
      if (await this.#remove([kept])) bytes -= kept.bytes;
    }
  }

  async #replace(kept: KeptState): Promise<void> {
    const before = await this.find(kept.message);
    await this.#put(kept);
    if (before) await this.#release(before.file);
  }

  /** Tells whether any file is gone with these. */
  async #remove(some: KeptState[]): Promise<boolean> {
    let freed = false;
    for (const { message, file } of some) {
      await this.#database.use((database) => database.delete("states", message));
      freed = (await this.#release(file)) || freed;
    }
    return freed;
  }

  /** Deletes a file that no state needs any more. */
  async #release(file: string): Promise<boolean> {
    if (await this.#database.use((database) => database.countFromIndex("states", "file", file))) return false;
    await this.folder?.removeEntry(file).catch(() => {}); // another tab reads it: the next sweep
    return true;
  }

  /** Deletes what a tab that was killed had not finished. */
  async #sweep(): Promise<void> {
    const needed = new Set((await this.#all()).map(({ file }) => file));
    for await (const name of this.folder?.keys() ?? []) if (!needed.has(name)) await this.#release(name);
  }
}

async function openFolder(): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  return await root.getDirectoryHandle(FOLDER, { create: true });
}

async function write(folder: FileSystemDirectoryHandle | undefined, name: string, blob: Blob): Promise<void> {
  try {
    if (!folder) throw new Error("there is no folder");
    const file = await folder.getFileHandle(name, { create: true });
    const writable = await file.createWritable();
    try {
      await writable.write(blob);
      await writable.close();
    } catch (error) {
      await writable.abort().catch(() => {});
      throw error;
    }
  } catch (error) {
    await folder?.removeEntry(name).catch(() => {});
    throw error;
  }
}

/** One tab at a time changes which states there are. */
async function alone<T>(work: () => Promise<T>): Promise<T> {
  return navigator.locks ? await navigator.locks.request("samba-states", work) : await work();
}
