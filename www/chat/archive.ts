/** Where conversations are kept: this browser's IndexedDB, nowhere else. */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { type Conversation, type Message, Thread } from "./conversation.ts";

interface Schema extends DBSchema {
  conversations: { key: string; value: Conversation };
  messages: { key: string; value: Message; indexes: { conversation: string } };
}

/** An answer cut off by the end of the page; written in one stroke, which IndexedDB is not while a page ends. */
const DRAFT = "samba-draft";

export class Archive {
  /** What could not be kept is reported here; the page goes on without. */
  onfault: (error: unknown) => void = () => {};
  /** Another tab changed a conversation. */
  onchange: (conversation: string) => void = () => {};
  readonly #others = new BroadcastChannel("samba-conversations");

  private constructor(private readonly database: IDBPDatabase<Schema> | undefined) {
    this.#others.onmessage = ({ data }: MessageEvent<string>) => this.onchange(data);
  }

  /** Opens the archive; where the browser keeps nothing, one that forgets. */
  static async open(): Promise<Archive> {
    try {
      const database = await openDB<Schema>("samba", 1, {
        upgrade(db) {
          db.createObjectStore("conversations", { keyPath: "id" });
          db.createObjectStore("messages", { keyPath: "id" }).createIndex("conversation", "conversation");
        },
      });
      const archive = new Archive(database);
      await archive.#recover();
      return archive;
    } catch (error) {
      console.warn(`conversations are not kept: ${error}`);
      return new Archive(undefined);
    }
  }

  get keeps(): boolean {
    return this.database !== undefined;
  }

  /** All conversations, the one that changed last first. */
  async list(): Promise<Conversation[]> {
    const all = (await this.database?.getAll("conversations")) ?? [];
    return all.sort((a, b) => b.updated - a.updated);
  }

  async read(id: string): Promise<Thread | undefined> {
    const conversation = await this.database?.get("conversations", id);
    if (!conversation) return undefined;
    return new Thread(conversation, await this.database?.getAllFromIndex("messages", "conversation", id));
  }

  /** Keeps a conversation and those of its messages that are given, all of them or none. */
  async save(conversation: Conversation, ...messages: Message[]): Promise<void> {
    if (!this.database) return;
    try {
      const write = this.database.transaction(["conversations", "messages"], "readwrite");
      write.objectStore("conversations").put(structuredClone(conversation));
      for (const message of messages) write.objectStore("messages").put({ ...message });
      await write.done;
      this.#others.postMessage(conversation.id);
    } catch (error) {
      this.onfault(error);
    }
  }

  /** Takes a message out of a conversation. */
  async drop(conversation: Conversation, message: Message): Promise<void> {
    if (!this.database) return;
    const write = this.database.transaction(["conversations", "messages"], "readwrite");
    write.objectStore("messages").delete(message.id);
    write.objectStore("conversations").put(structuredClone(conversation));
    await write.done;
    this.#others.postMessage(conversation.id);
  }

  async remove(id: string): Promise<void> {
    if (!this.database) return;
    const write = this.database.transaction(["conversations", "messages"], "readwrite");
    write.objectStore("conversations").delete(id);
    const messages = await write.objectStore("messages").index("conversation").getAllKeys(id);
    for (const key of messages) write.objectStore("messages").delete(key);
    await write.done;
    this.#others.postMessage(id);
  }

  /** Ids of the conversations in whose messages all words of the query stand. */
  async search(query: string, signal: AbortSignal): Promise<Set<string>> {
    const words = query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const missing = new Map<string, Set<string>>();
    const look = (conversation: string, text: string) => {
      const lower = text.toLocaleLowerCase();
      const left = missing.get(conversation) ?? new Set(words);
      for (const word of left) if (lower.includes(word)) left.delete(word);
      missing.set(conversation, left);
    };
    for (const { id, title } of await this.list()) look(id, title);
    const messages = this.database?.transaction("messages").store;
    for (let at = await messages?.openCursor(); at && !signal.aborted; at = await at.continue())
      look(at.value.conversation, at.value.content);
    return new Set([...missing].filter(([, left]) => left.size === 0).map(([id]) => id));
  }

  /** Notes an answer that may not be finished: the page is going away. */
  draft(message: Message): void {
    try {
      localStorage.setItem(DRAFT, JSON.stringify(message));
    } catch (error) {
      this.onfault(error);
    }
  }

  /** Puts a noted answer where it belongs. */
  async #recover(): Promise<void> {
    const text = localStorage.getItem(DRAFT);
    if (!text) return;
    localStorage.removeItem(DRAFT);
    const draft = JSON.parse(text) as Message;
    const kept = await this.database?.get("messages", draft.id);
    if (kept && kept.content.length < draft.content.length) await this.database?.put("messages", draft);
  }
}
