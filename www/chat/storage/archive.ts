/** Where conversations are kept: this browser's IndexedDB, nowhere else. */
import type { DBSchema, IDBPDatabase } from "idb";
import { type Conversation, type Message, Thread } from "../conversation.ts";
import { Database } from "./database.ts";
import type { Conversations } from "./storage.ts";

interface Schema extends DBSchema {
  conversations: { key: string; value: Conversation };
  messages: { key: string; value: Message; indexes: { conversation: string } };
}

/** What tabs tell each other: the conversation that changed, or that was deleted. */
type Word = string | { gone: string };

/** An answer cut off by the end of the page; written in one stroke, which IndexedDB is not while a page ends. */
const DRAFT = "samba-draft";

export class Archive implements Conversations {
  onfault: (error: unknown) => void = () => {};
  onchange: (conversation: string, gone: boolean) => void = () => {};
  keeps = true;
  readonly #others =
    "BroadcastChannel" in globalThis ? new BroadcastChannel("samba-conversations") : undefined;
  readonly #database = new Database<Schema>("samba", {
    conversations: (database) => database.createObjectStore("conversations", { keyPath: "id" }),
    messages: (database) =>
      database.createObjectStore("messages", { keyPath: "id" }).createIndex("conversation", "conversation"),
  });

  private constructor() {
    if (this.#others)
      this.#others.onmessage = ({ data }: MessageEvent<Word>) =>
        typeof data === "string" ? this.onchange(data, false) : this.onchange(data.gone, true);
  }

  /** Opens the archive; where the browser keeps nothing, one that forgets. */
  static async open(): Promise<Archive> {
    const archive = new Archive();
    try {
      await archive.#database.use(async (database) => database.count("conversations"));
    } catch (error) {
      console.warn(`conversations are not kept: ${error}`);
      archive.keeps = false;
    }
    await archive.#recover().catch((error) => console.warn(`a draft is not put back: ${error}`));
    return archive;
  }

  async list(): Promise<Conversation[]> {
    const all = await this.#read((database) => database.getAll("conversations"), []);
    return all.filter(soundConversation).sort((a, b) => b.updated - a.updated);
  }

  async read(id: string): Promise<Thread | undefined> {
    const [conversation, messages] = await this.#read(
      async (database) =>
        [
          await database.get("conversations", id),
          await database.getAllFromIndex("messages", "conversation", id),
        ] as const,
      [undefined, []] as const,
    );
    if (!soundConversation(conversation)) return undefined;
    return new Thread(conversation, messages.filter(soundMessage));
  }

  async save(thread: Thread, messages: Iterable<Message> = []): Promise<boolean> {
    return this.add([thread], messages);
  }

  async add(threads: Thread[], messages?: Iterable<Message>): Promise<boolean> {
    if (!this.keeps) return false;
    try {
      await this.#database.use(async (database) => {
        const write = database.transaction(["conversations", "messages"], "readwrite");
        const conversations = write.objectStore("conversations");
        for (const thread of threads) {
          const { conversation } = thread;
          // What is not there yet, or was deleted behind the page's back, is kept as a whole.
          const kept = messages && (await conversations.get(conversation.id));
          for (const message of kept ? messages : thread.messages)
            void write.objectStore("messages").put({ ...message });
          void conversations.put(titled(conversation, kept));
        }
        await write.done;
      });
      this.#tell(threads.map(({ conversation }) => conversation.id));
      return true;
    } catch (error) {
      this.onfault(error);
      return false;
    }
  }

  async drop(conversation: Conversation, message: Message): Promise<void> {
    await this.#write(conversation.id, async (database) => {
      const write = database.transaction(["conversations", "messages"], "readwrite");
      void write.objectStore("messages").delete(message.id);
      const conversations = write.objectStore("conversations");
      void conversations.put(titled(conversation, await conversations.get(conversation.id)));
      await write.done;
    });
  }

  async rename(id: string, title: string): Promise<void> {
    await this.#write(id, async (database) => {
      const write = database.transaction("conversations", "readwrite");
      const kept = await write.store.get(id);
      if (kept) void write.store.put({ ...kept, title });
      await write.done;
    });
  }

  async remove(id: string): Promise<void> {
    await this.#write({ gone: id }, async (database) => {
      const write = database.transaction(["conversations", "messages"], "readwrite");
      void write.objectStore("conversations").delete(id);
      const messages = await write.objectStore("messages").index("conversation").getAllKeys(id);
      for (const key of messages) void write.objectStore("messages").delete(key);
      await write.done;
    });
  }

  async search(query: string, signal: AbortSignal): Promise<Set<string>> {
    const words = query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const missing = new Map<string, Set<string>>();
    const look = (conversation: string, text: string) => {
      const lower = text.toLocaleLowerCase();
      const left = missing.get(conversation) ?? new Set(words);
      for (const word of left) if (lower.includes(word)) left.delete(word);
      missing.set(conversation, left);
    };
    const all = await this.list();
    for (const { id, title } of all) look(id, title);
    await this.#read(async (database) => {
      const { store } = database.transaction("messages");
      for (let at = await store.openCursor(); at && !signal.aborted; at = await at.continue())
        if (soundMessage(at.value)) look(at.value.conversation, at.value.content);
    }, undefined);
    return new Set(all.map(({ id }) => id).filter((id) => missing.get(id)?.size === 0));
  }

  draft(message: Message): void {
    try {
      localStorage.setItem(DRAFT, JSON.stringify(message));
    } catch (error) {
      this.onfault(error);
    }
  }

  /** Puts a noted answer where it belongs. One that is none is forgotten, and costs nothing else. */
  async #recover(): Promise<void> {
    const text = localStorage.getItem(DRAFT);
    if (!text) return;
    localStorage.removeItem(DRAFT);
    const draft: unknown = JSON.parse(text);
    if (!soundMessage(draft) || !this.keeps) return;
    await this.#database.use(async (database) => {
      const kept = await database.get("messages", draft.id);
      if (soundMessage(kept) && kept.content.length < draft.content.length)
        await database.put("messages", draft);
    });
  }

  async #read<T, Otherwise>(
    work: (database: IDBPDatabase<Schema>) => Promise<T>,
    otherwise: Otherwise,
  ): Promise<T | Otherwise> {
    if (!this.keeps) return otherwise;
    try {
      return await this.#database.use(work);
    } catch (error) {
      console.warn(`nothing can be read: ${error}`);
      return otherwise;
    }
  }

  async #write(word: Word, work: (database: IDBPDatabase<Schema>) => Promise<void>): Promise<void> {
    if (!this.keeps) return;
    try {
      await this.#database.use(work);
      this.#tell([word]);
    } catch (error) {
      this.onfault(error);
    }
  }

  /** Other tabs read the list again for each of these; of many they need to hear once. */
  #tell(words: Word[]): void {
    for (const word of words.length > 20 ? words.slice(-1) : words) this.#others?.postMessage(word);
  }
}

/** A conversation with the title that it is kept under, if it has one: it is changed by renaming alone, in any tab. */
function titled(conversation: Conversation, kept: Conversation | undefined): Conversation {
  const title = (soundConversation(kept) && kept.title) || conversation.title;
  return structuredClone({ ...conversation, title });
}

// What is stored may have been written by anybody who could write to this site's storage, and by older versions.

function soundConversation(value: unknown): value is Conversation {
  const { id, title, created, updated, head, system, sampling } = (value ?? {}) as Partial<Conversation>;
  return (
    [id, title, system].every((text) => typeof text === "string") &&
    [created, updated].every((time) => typeof time === "number" && Math.abs(time) <= 8.64e15) &&
    (head === null || typeof head === "string") &&
    typeof sampling === "object" &&
    sampling !== null
  );
}

function soundMessage(value: unknown): value is Message {
  const { id, conversation, parent, role, content, at, ...rest } = (value ?? {}) as Partial<Message>;
  const { reasoning, name, finish, model, tokens, rate } = rest;
  return (
    [id, conversation, content].every((text) => typeof text === "string") &&
    [reasoning, name, finish, model].every((text) => text === undefined || typeof text === "string") &&
    [tokens, rate].every((number) => number === undefined || typeof number === "number") &&
    (parent === null || typeof parent === "string") &&
    (role === "user" || role === "assistant") &&
    typeof at === "number"
  );
}
