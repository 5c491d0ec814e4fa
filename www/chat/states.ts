/**
 * States of conversations: what the engine knew after a turn, so that going on
 * from there reads nothing again. The bytes lie in the origin's private file
 * system, each save under a name of its own; which belong to which message
 * stands in IndexedDB and is written last, so that a state is there wholly or
 * not at all. Those used least recently make room for others.
 */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { inspectState } from "../engine/client.ts";
import { strings } from "../strings.ts";
import { type Message, newId } from "./conversation.ts";

/** A state that is kept. */
export interface KeptState {
  /** The last message that it knows. */
  message: string;
  conversation: string;
  /** The system prompt that the conversation began with. */
  system: string;
  /** The hash of the model that it belongs to. */
  model: string;
  /** Tokens that it has absorbed. */
  position: number;
  /** Its name in the folder; branches share one. */
  file: string;
  bytes: number;
  /** When it was last kept or gone on from, in milliseconds of the epoch. */
  used: number;
}

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

/** Why a state could not be kept: a sentence. */
export class RoomError extends Error {
  override name = "RoomError";
}

export class States {
  private constructor(
    private readonly database: IDBPDatabase<Schema> | undefined,
    private readonly folder: FileSystemDirectoryHandle | undefined,
  ) {}

  /** Opens what is kept; where the browser keeps no files (private windows), nothing ever is. */
  static async open(): Promise<States> {
    try {
      const root = await navigator.storage.getDirectory();
      const folder = await root.getDirectoryHandle(FOLDER, { create: true });
      if (!("createWritable" in FileSystemFileHandle.prototype)) throw new Error("files cannot be written");
      const database = await openDB<Schema>("samba-states", 1, {
        upgrade(db) {
          const states = db.createObjectStore("states", { keyPath: "message" });
          for (const index of ["conversation", "file", "used"] as const) states.createIndex(index, index);
        },
      });
      const states = new States(database, folder);
      void alone(() => states.#sweep()).catch(() => {}); // the next visit tries again
      return states;
    } catch (error) {
      console.warn(`states are not kept: ${error}`);
      return new States(undefined, undefined);
    }
  }

  /** Whether this browser keeps states at all. */
  get available(): boolean {
    return this.folder !== undefined;
  }

  /** The most bytes that states may take here; 0 keeps none. */
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

  /**
   * Keeps the state after a message; one that was kept for it before stays until this one is whole.
   * @throws {@link RoomError} where there is no room, or no place.
   */
  async keep(message: Message, system: string, blob: Blob): Promise<void> {
    const { limit } = this;
    if (limit < blob.size) return;
    const { database, folder } = this;
    if (!database || !folder) throw new RoomError(strings.stateUnavailable);
    const { model, position } = await inspectState(blob);
    const file = newId();
    await alone(async () => {
      try {
        await write(folder, file, blob);
      } catch {
        // The disk is fuller than was agreed: once more, in the place of what other conversations have.
        await this.#fit((await this.usage()).bytes - blob.size, message.conversation);
        try {
          await write(folder, file, blob);
        } catch {
          throw new RoomError(strings.stateFull);
        }
      }
      const { id, conversation } = message;
      const entry = { conversation, system, model, position, file, bytes: blob.size, used: Date.now() };
      await this.#replace({ message: id, ...entry });
      await this.#fit(limit); // last: what could not be written makes nothing go
    });
  }

  /** Whether the state after a message is kept. */
  async find(message: string): Promise<KeptState | undefined> {
    try {
      return await this.database?.get("states", message);
    } catch {
      return undefined;
    }
  }

  /** The bytes of a kept state; undefined where they are gone, and then the state is forgotten. */
  async read(kept: KeptState): Promise<Blob | undefined> {
    try {
      const file = await (await this.folder?.getFileHandle(kept.file))?.getFile();
      if (file?.size !== kept.bytes) throw new Error("it is cut short");
      await this.database?.put("states", { ...kept, used: Date.now() });
      return file;
    } catch {
      await this.drop(kept);
      return undefined;
    }
  }

  /** Lets a message of a branch have the state that another one has. */
  async share(from: string, to: Message): Promise<void> {
    const kept = await this.find(from);
    if (kept) await this.database?.put("states", { ...kept, message: to.id, conversation: to.conversation });
  }

  /** Forgets a state. */
  async drop(kept: KeptState): Promise<void> {
    await alone(() => this.#remove([kept])).catch(() => {});
  }

  /** Forgets all states of a conversation, or of all. */
  async forget(conversation?: string): Promise<void> {
    await alone(async () =>
      this.#remove((await this.#all()).filter((kept) => !conversation || kept.conversation === conversation)),
    );
  }

  async #all(): Promise<KeptState[]> {
    return (await this.database?.getAllFromIndex("states", "used")) ?? [];
  }

  /** Removes those used least recently, but for one conversation's, until the rest takes no more than so many bytes. */
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
    await this.database?.put("states", kept);
    if (before) await this.#release(before.file);
  }

  /** Tells whether any file is gone with these. */
  async #remove(some: KeptState[]): Promise<boolean> {
    let freed = false;
    for (const { message, file } of some) {
      await this.database?.delete("states", message);
      freed = (await this.#release(file)) || freed;
    }
    return freed;
  }

  /** Deletes a file that no state needs any more. */
  async #release(file: string): Promise<boolean> {
    if ((await this.database?.countFromIndex("states", "file", file)) !== 0) return false;
    await this.folder?.removeEntry(file).catch(() => {}); // another tab reads it: the next sweep
    return true;
  }

  /** Deletes what a tab that was killed had not finished. */
  async #sweep(): Promise<void> {
    const needed = new Set((await this.#all()).map(({ file }) => file));
    for await (const name of this.folder?.keys() ?? []) if (!needed.has(name)) await this.#release(name);
  }
}

async function write(folder: FileSystemDirectoryHandle, name: string, blob: Blob): Promise<void> {
  try {
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
    await folder.removeEntry(name).catch(() => {});
    throw error;
  }
}

/** One tab at a time changes which states there are. */
async function alone<T>(work: () => Promise<T>): Promise<T> {
  return navigator.locks ? await navigator.locks.request("samba-states", work) : await work();
}
