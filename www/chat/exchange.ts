/** Conversations as files: JSON keeps every version, Markdown what is shown. What comes in is hostile until it is checked. */
import { hex, sha256 } from "../engine/digest.ts";
import { strings } from "../strings.ts";
import { cut } from "../view/cut.ts";
import {
  type Conversation,
  type Message,
  newConversation,
  newId,
  type Sampling,
  Thread,
  titleOf,
} from "./conversation.ts";
import { limits } from "./settings.ts";

const FORMAT = "samba-conversations";
const VERSION = 1;
/** The largest file of conversations that is read, in bytes. */
export const mostImported = 64e6;

/** How files of states end. */
export const STATE_FILE = ".samba-state";

/** A file that cannot be imported, and why, as a half sentence. */
export class ExchangeError extends Error {
  override name = "ExchangeError";
}

export function toJSON(threads: Thread[]): string {
  const conversations = threads.map(({ conversation, messages }) => ({
    ...conversation,
    messages: parentsFirst(messages),
  }));
  return `${JSON.stringify({ format: FORMAT, version: VERSION, conversations }, null, 1)}\n`;
}

/** The archive hands messages out by their ids; a reader of the file wants to know a parent before its children. */
function parentsFirst(messages: Message[]): Message[] {
  const children = new Map<string | null, Message[]>();
  for (const message of messages) {
    const siblings = children.get(message.parent);
    if (siblings) siblings.push(message);
    else children.set(message.parent, [message]);
  }
  const ordered = [...(children.get(null) ?? [])];
  for (const { id } of ordered) for (const child of children.get(id) ?? []) ordered.push(child); // it grows while it is walked
  return ordered;
}

/** The turns shown, each after a mark that no text in them can imitate: it has a number drawn for this export. */
export function toMarkdown(thread: Thread, mark: string = newId()): string {
  const { title, created, system } = thread.conversation;
  const turns = thread.path.map(({ role, content }) => {
    const who = role === "user" ? strings.you : strings.samba;
    return `<!-- ${mark} ${role} -->\n\n### ${who}\n\n${content.trim()}\n`;
  });
  if (system) turns.unshift(`<!-- ${mark} system -->\n\n### ${strings.system}\n\n${system.trim()}\n`);
  const heading = `# ${title || strings.untitled}\n\n${strings.date(created)}\n`;
  return [`<!-- ${FORMAT} ${VERSION} ${mark} -->\n\n${heading}`, ...turns].join("\n");
}

/** A name for the file that people recognise and every system accepts. */
export function fileName(title: string, ending: ".md" | ".json" | typeof STATE_FILE): string {
  const letters = title.normalize("NFC").replace(/[^\p{L}\p{M}\p{N}]+/gu, "-");
  const plain = cut(letters.replace(/^-|-$/g, ""), 60);
  return `${plain || "samba"}${ending}`;
}

/** Whether a file was exported here, by the looks of its beginning. */
export async function isExport(file: File): Promise<boolean> {
  return (await isState(file)) || (await file.slice(0, 200).text()).includes(FORMAT);
}

/** Whether a file is a conversation's state, by its name or its beginning. */
export async function isState(file: File): Promise<boolean> {
  return file.name.endsWith(STATE_FILE) || (await file.slice(1, 8).text()) === "SAMBA\r\n";
}

/** Reads a file that was exported here. Everything in it gets new ids: nothing that is kept already is overwritten. */
export function fromFile(text: string): Thread[] {
  if (text.length > mostImported) throw new ExchangeError(strings.exportError.tooLarge(mostImported));
  return /^\s*[{[]/.test(text) ? fromJSON(text) : [fromMarkdown(text)];
}

function fromJSON(text: string): Thread[] {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw new ExchangeError(strings.exportError.notJSON);
  }
  if (!isRecord(file) || file.format !== FORMAT) throw new ExchangeError(strings.exportError.notOurs);
  if (file.version !== VERSION) throw new ExchangeError(strings.exportError.newer);
  return list(file.conversations, "conversations").map((value, i) => thread(value, `conversations[${i}]`));
}

function thread(value: unknown, where: string): Thread {
  if (!isRecord(value)) throw wrong(where);
  const conversation: Conversation = {
    ...newConversation(string(value, "system", where, ""), sampling(value.sampling, `${where}.sampling`)),
    title: titleOf(string(value, "title", where), 200),
    created: time(value, "created", where),
    updated: time(value, "updated", where),
  };
  const old = list(value.messages, `${where}.messages`);
  const ids = new Map<unknown, string>();
  const messages = old.map((entry, i): Message => {
    const at = `${where}.messages[${i}]`;
    if (!isRecord(entry)) throw wrong(at);
    const id = newId();
    const key = string(entry, "id", at);
    if (ids.has(key)) throw wrong(`${at}.id`);
    // A parent stands before its children: no circles.
    const parent = entry.parent === null ? null : ids.get(entry.parent);
    if (parent === undefined) throw wrong(`${at}.parent`);
    ids.set(key, id);
    const role = entry.role;
    if (role !== "user" && role !== "assistant") throw wrong(`${at}.role`);
    const message: Message = {
      id,
      conversation: conversation.id,
      parent,
      role,
      content: string(entry, "content", at),
      at: time(entry, "at", at),
    };
    if (role === "user" && typeof entry.name === "string") message.name = titleOf(entry.name, 200);
    if (role === "assistant" || message.name) {
      const finishes = ["stop", "length", "cancelled", "interrupted", "failed"] as const;
      message.finish = finishes.find((finish) => finish === entry.finish);
      if (role === "assistant") {
        message.finish ??= "interrupted";
        if (typeof entry.reasoning === "string" && entry.reasoning) message.reasoning = entry.reasoning;
      }
      if (isCount(entry.tokens)) message.tokens = entry.tokens;
      if (isCount(entry.rate)) message.rate = entry.rate;
      if (typeof entry.model === "string") message.model = cut(entry.model, 200);
    }
    return message;
  });
  const head = value.head === null ? null : ids.get(value.head);
  if (head === undefined) throw wrong(`${where}.head`);
  conversation.head = head;
  return new Thread(conversation, messages);
}

function fromMarkdown(file: string): Thread {
  const text = file.replace(/\r\n?/g, "\n"); // mail programs and editors of Windows end lines so
  const start = new RegExp(`^\\s*<!-- ${FORMAT} (\\d+) ([0-9a-f-]{36}) -->`).exec(text);
  if (!start) throw new ExchangeError(strings.exportError.noMarks);
  if (Number(start[1]) !== VERSION) throw new ExchangeError(strings.exportError.newer);
  const [head = "", ...parts] = text.split(
    new RegExp(`^<!-- ${start[2]} (system|user|assistant) -->[ \\t]*$`, "m"),
  );
  const made = new Thread(newConversation());
  made.conversation.title = titleOf(/^# (.*)$/m.exec(head)?.[1] ?? "", 200);
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const content = (parts[i + 1] ?? "").replace(/^\s*### .*(?:\n|$)/, "").trim();
    if (parts[i] === "system") made.conversation.system = content;
    else made.add(made.conversation.head, parts[i] as Message["role"], content);
  }
  for (const message of made.messages) if (message.role === "assistant") message.finish = "stop";
  return made;
}

function sampling(value: unknown, where: string): Sampling {
  if (value === undefined) return {};
  if (!isRecord(value)) throw wrong(where);
  const known: Sampling = {};
  for (const [name, limit] of Object.entries(limits)) {
    const given = value[name];
    if (given === undefined) continue;
    if (!limit.allows(given)) throw wrong(`${where}.${name}`);
    known[name as keyof Sampling] = given as number;
  }
  return known;
}

/** What tells a conversation that comes from a file from others: what was said in it, not when and under which ids. */
export async function sourceOf({ conversation, messages }: Thread): Promise<string> {
  const { title, system, sampling, head } = conversation;
  const places = new Map(messages.map(({ id }, i) => [id, i]));
  const said = messages.map(({ parent, role, content, name }) => [
    places.get(parent ?? "") ?? null,
    role,
    content,
    name ?? null,
  ]);
  const text = JSON.stringify([title, system, sampling, places.get(head ?? "") ?? null, said]);
  return hex(await sha256(new TextEncoder().encode(text)));
}

type Fields = Record<string, unknown>;

const wrong = (where: string) => new ExchangeError(strings.exportError.shape(where));
const isRecord = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => typeof value === "number" && value >= 0 && value < 1e12;

function list(value: unknown, where: string): unknown[] {
  if (!Array.isArray(value)) throw wrong(where);
  return value;
}

function string(from: Fields, name: string, where: string, absent?: string): string {
  const value = from[name] ?? absent;
  if (typeof value !== "string") throw wrong(`${where}.${name}`);
  return value;
}

function time(from: Fields, name: string, where: string): number {
  const value = from[name];
  if (typeof value !== "number" || !(Math.abs(value) <= 8.64e15)) throw wrong(`${where}.${name}`);
  return value;
}
