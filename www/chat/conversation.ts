/**
 * A conversation is a tree of messages: an answer asked for again, or a
 * question edited, is one more child of the message before it. What the page
 * shows is the path from the root to one leaf, the conversation's head.
 */

import { hex } from "../engine/digest.ts";
import type { Settings, shown } from "../engine/settings.ts";
import { cut } from "../view/cut.ts";

/** Why an answer ended; "interrupted" when the page was closed meanwhile. */
export type Finish = "stop" | "length" | "cancelled" | "interrupted" | "failed";

export interface Message {
  id: string;
  conversation: string;
  /** The message before, null at the beginning. */
  parent: string | null;
  role: "user" | "assistant";
  content: string;
  /** What was thought before an answer; no part of it. */
  reasoning?: string | undefined;
  /** When it began, in milliseconds of the epoch. */
  at: number;
  /** Of a text that was dropped or pasted: what to call it. */
  name?: string | undefined;
  /** Answers, and texts whose rest was not read: "cancelled". */
  finish?: Finish | undefined;
  /** How many tokens the answer took, or the text has once it is read; and how many a second. */
  tokens?: number | undefined;
  rate?: number | undefined;
  /** The model that answered. */
  model?: string | undefined;
}

/** Settings of the sampler; what is left out is the model's own. */
export type Sampling = Pick<Settings, (typeof shown)[number]>;

export interface Conversation {
  id: string;
  title: string;
  /** When it began and when it last changed, in milliseconds of the epoch. */
  created: number;
  updated: number;
  /** The last message shown, null while there is none. */
  head: string | null;
  system: string;
  sampling: Sampling;
  /** What tells an imported conversation from others, so that a second import makes no double. */
  source?: string | undefined;
}

/** A random UUID, also over plain http, where crypto.randomUUID is missing. */
export function newId(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

export function newConversation(system = "", sampling: Sampling = {}): Conversation {
  const now = Date.now();
  return { id: newId(), title: "", created: now, updated: now, head: null, system, sampling };
}

/** The first line of a text, cut at a word, or at least at a whole character. */
export function titleOf(text: string, longest = 60): string {
  // Longer beginnings are not looked at: a text may be a book.
  const [first = ""] = text
    .trimStart()
    .slice(0, 10 * longest)
    .split("\n", 1);
  const line = first.replace(/\s+/g, " ").trim();
  if (line.length <= longest) return line;
  const space = line.lastIndexOf(" ", longest);
  return `${(space > longest / 2 ? line.slice(0, space) : cut(line, longest)).trimEnd()}…`;
}

/** A conversation with its messages, and the ways through them. */
export class Thread {
  readonly #messages = new Map<string, Message>();
  readonly #after = new Map<string | null, Message[]>();
  /** When the last message after one was made. */
  readonly #latest = new Map<string | null, number>();

  constructor(
    readonly conversation: Conversation,
    messages: Iterable<Message> = [],
  ) {
    for (const message of messages) this.#put(message);
  }

  get(id: string): Message | undefined {
    return this.#messages.get(id);
  }

  get messages(): Message[] {
    return [...this.#messages.values()];
  }

  /** The messages shown, from the first to the head. */
  get path(): Message[] {
    return this.pathTo(this.conversation.head);
  }

  pathTo(id: string | null): Message[] {
    const path: Message[] = [];
    const seen = new Set<string>();
    for (let at = id; at && !seen.has(at); ) {
      const message = this.#messages.get(at);
      if (!message) break;
      seen.add(at);
      path.push(message);
      at = message.parent;
    }
    return path.reverse();
  }

  /** A message's versions, itself among them, oldest first. */
  versions(message: Message): Message[] {
    return [...(this.#after.get(message.parent) ?? [message])].sort((a, b) => a.at - b.at);
  }

  /** Adds a message after the one given and makes it the head. */
  add(parent: string | null, role: Message["role"], content: string, model?: string): Message {
    const { conversation } = this;
    // Later than its siblings whatever the clock does: their order is the order of versions.
    const at = Math.max(Date.now(), (this.#latest.get(parent) ?? 0) + 1);
    const message: Message = { id: newId(), conversation: conversation.id, parent, role, content, at };
    if (model) message.model = model;
    this.#put(message);
    conversation.head = message.id;
    conversation.updated = Date.now();
    if (role === "user" && !conversation.title) conversation.title = titleOf(content);
    return message;
  }

  /** Adds a text that was dropped or pasted, as a message of its own, at the head. */
  attach(name: string, text: string): Message {
    const message = this.add(this.conversation.head, "user", text);
    message.name = name;
    return message;
  }

  /** Takes back a message that has no answer yet. */
  drop(message: Message): void {
    this.#messages.delete(message.id);
    const siblings = this.#after.get(message.parent) ?? [];
    this.#after.set(
      message.parent,
      siblings.filter((other) => other !== message),
    );
    if (this.conversation.head === message.id) this.conversation.head = message.parent;
  }

  /** Shows a version: the path goes through it, on to its newest descendants. */
  show(message: Message): void {
    const seen = new Set<Message>(); // what comes from elsewhere may go in circles
    for (let head: Message | undefined = message; head && !seen.has(head); ) {
      seen.add(head);
      this.conversation.head = head.id;
      let newest: Message | undefined;
      for (const next of this.#after.get(head.id) ?? []) if (!newest || next.at > newest.at) newest = next;
      head = newest;
    }
  }

  /** A new conversation that begins with the messages up to this one. */
  branch(message: Message, title: string): Thread {
    const { system, sampling } = this.conversation;
    const thread = new Thread({ ...newConversation(system, { ...sampling }), title });
    let parent: string | null = null;
    for (const old of this.pathTo(message.id)) {
      const copy: Message = { ...old, id: newId(), conversation: thread.conversation.id, parent };
      thread.#put(copy);
      parent = copy.id;
    }
    thread.conversation.head = parent;
    return thread;
  }

  #put(message: Message): void {
    this.#messages.set(message.id, message);
    this.#latest.set(message.parent, Math.max(message.at, this.#latest.get(message.parent) ?? 0));
    const siblings = this.#after.get(message.parent);
    if (siblings) siblings.push(message);
    else this.#after.set(message.parent, [message]);
  }
}
