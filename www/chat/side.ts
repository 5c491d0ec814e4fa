/** The list of conversations: found, opened, renamed, taken out and brought in. */
import { said } from "../engine/errors.ts";
import { strings } from "../strings.ts";
import { composes } from "../view/composition.ts";
import { $, download, iconButton, make } from "../view/dom.ts";
import type { Conversation, Thread } from "./conversation.ts";
import { confirmLoss, openMenu } from "./dialog.ts";
import {
  ExchangeError,
  fileName,
  fromFile,
  isState,
  mostImported,
  STATE_FILE,
  sourceOf,
  toJSON,
  toMarkdown,
} from "./exchange.ts";
import { packState, unpackState } from "./statefile.ts";
import type { ConversationStates, Conversations, KeptState } from "./storage/storage.ts";

/** What the list asks of the page. */
export interface SideDeeds {
  open(id: string): void;
  /** Deletes a conversation and its states; a page that shows it shows another. */
  remove(id: string): Promise<void>;
  renamed(id: string, title: string): void;
  /** Says something to everybody. */
  say(text: string): void;
  /** Throws where the engine refuses a state. */
  check(state: Blob): Promise<void>;
}

export class Side {
  readonly #list = $("conversations");
  readonly #search = $<HTMLInputElement>("search");
  #all: Conversation[] = [];
  #found: Set<string> | undefined;
  #searching = new AbortController();
  #current = "";
  /** A name is being written in the list, which is drawn again once that is left. */
  #renaming = false;

  constructor(
    private readonly archive: Conversations,
    private readonly states: ConversationStates,
    private readonly deeds: SideDeeds,
  ) {
    let later = 0;
    this.#search.oninput = () => {
      clearTimeout(later);
      later = window.setTimeout(() => this.#find(), 150);
    };
  }

  /** Reads the list again and marks the conversation that is shown. */
  async refresh(current = this.#current): Promise<void> {
    this.#current = current;
    this.#all = await this.archive.list();
    if (this.#found) await this.#find(false);
    else this.#draw();
  }

  /** Shows all conversations again. */
  clearSearch(): void {
    this.#searching.abort();
    this.#search.value = "";
    this.#found = undefined;
  }

  async #find(say = true): Promise<void> {
    this.#searching.abort();
    this.#searching = new AbortController();
    const { signal } = this.#searching;
    const query = this.#search.value.trim();
    const found = query ? await this.archive.search(query, signal) : undefined;
    if (signal.aborted) return;
    this.#found = found;
    this.#draw();
    if (say && found) this.deeds.say(strings.found(found.size));
  }

  #draw(): void {
    if (this.#renaming) return;
    const shown = this.#all.filter(({ id }) => this.#found?.has(id) ?? true);
    const focused = (document.activeElement?.closest("[data-id]") as HTMLElement | null)?.dataset.id;
    this.#list.replaceChildren();
    let group: HTMLUListElement | undefined;
    let last = "";
    for (const conversation of shown) {
      const age = ageOf(conversation.updated);
      if (age !== last || !group) {
        last = age;
        const heading = make("h3", "age", age);
        heading.id = `age-${this.#list.childElementCount}`;
        group = make("ul");
        group.setAttribute("aria-labelledby", heading.id);
        this.#list.append(heading, group);
      }
      group.append(this.#row(conversation));
    }
    if (shown.length === 0) {
      const query = this.#search.value.trim();
      this.#list.append(make("p", "none", this.#found ? strings.noneFound(query) : strings.noneYet));
    }
    if (focused) this.#list.querySelector<HTMLElement>(`[data-id="${focused}"] .open`)?.focus();
  }

  #row(conversation: Conversation): HTMLLIElement {
    const { id } = conversation;
    const title = conversation.title || strings.untitled;
    // What tells a branch from its original stays in sight, however long the title is.
    const mark = strings.branchMark.exec(title)?.[0] ?? "";
    const open = make("button", "open", make("span", "title", title.slice(0, title.length - mark.length)));
    if (mark) open.append(make("span", "mark", mark));
    open.type = "button";
    open.dir = "auto";
    open.onclick = () => this.deeds.open(id);
    if (id === this.#current) open.setAttribute("aria-current", "page");
    const more = iconButton("more", strings.options(title), () => this.menu(more, conversation));
    const row = make("li", "conversation", open, more);
    row.dataset.id = id;
    return row;
  }

  /** Opens the menu of what can be done with a conversation. */
  async menu(button: HTMLElement, conversation: Conversation): Promise<void> {
    const { id, title, head } = conversation;
    const kept = await this.states.find(head ?? "");
    const exported = async (ending: "md" | "json") => {
      const thread = await this.archive.read(id);
      if (thread)
        download(fileName(title, `.${ending}`), ending === "md" ? toMarkdown(thread) : toJSON([thread]));
    };
    openMenu(button, [
      [strings.rename, () => this.#rename(conversation)],
      [strings.exportMarkdown, () => exported("md")],
      [strings.exportJSON, () => exported("json")],
      ...(kept
        ? [[strings.exportState(kept.bytes), () => this.#exportState(title, kept)] as [string, () => void]]
        : []),
      [strings.remove, () => this.#remove(conversation), "loss"],
    ]);
  }

  async #exportState(title: string, kept: KeptState): Promise<void> {
    const thread = await this.archive.read(kept.conversation);
    const state = await this.states.read(kept);
    if (!thread || !state) return this.deeds.say(strings.stateGone);
    thread.conversation.head = kept.message; // an answer may have come since
    download(fileName(title, STATE_FILE), await packState(state, thread));
  }

  #rename(conversation: Conversation): void {
    document.body.classList.add("side-open");
    const row = this.#list.querySelector<HTMLElement>(`[data-id="${conversation.id}"]`);
    const open = row?.querySelector(".open");
    if (!row || !open) return;
    const field = make("input", "rename");
    field.value = conversation.title;
    field.dir = "auto";
    field.maxLength = 200;
    field.setAttribute("aria-label", strings.newName);
    open.replaceWith(field);
    field.focus();
    field.select();
    this.#renaming = true;
    let left = false;
    const leave = async (keep: boolean) => {
      if (left) return;
      left = true;
      this.#renaming = false;
      const title = field.value.trim();
      if (keep && title && title !== conversation.title) {
        await this.archive.rename(conversation.id, title);
        this.deeds.renamed(conversation.id, title);
      }
      await this.refresh();
      this.#list.querySelector<HTMLElement>(`[data-id="${conversation.id}"] .open`)?.focus();
    };
    field.onblur = () => leave(true);
    field.onkeydown = (event) => {
      if (composes(event)) return;
      if (event.key === "Enter") leave(true);
      if (event.key === "Escape") {
        event.stopPropagation();
        leave(false);
      }
    };
  }

  async #remove({ id, title }: Conversation): Promise<void> {
    const text = strings.removeText(title || strings.untitled);
    if (!(await confirmLoss(strings.removeTitle, text, strings.remove))) return;
    await this.deeds.remove(id);
    this.deeds.say(strings.removed);
    await this.refresh();
  }

  async exportAll(): Promise<void> {
    const there: Thread[] = [];
    for (const { id } of this.#all) {
      const thread = await this.archive.read(id);
      if (thread) there.push(thread);
    }
    download(fileName("samba-conversations", ".json"), toJSON(there));
  }

  /** Brings in files that were exported here; what is wrong with one does not hold up the others. */
  async import(files: Iterable<File>): Promise<void> {
    let last = "";
    let count = 0;
    let doubles = 0;
    const complaints: string[] = [];
    const here = new Here(this.archive, await this.archive.list());
    for (const file of files) {
      try {
        const fresh: Thread[] = [];
        const { state, threads } = await readFile(file);
        for (const thread of threads) {
          const known = await here.find(thread);
          last = known ?? thread.conversation.id;
          if (known) doubles++;
          else fresh.push(thread);
        }
        if (fresh.length === 0) continue;
        if (state) await this.deeds.check(state);
        if (!(await this.archive.add(fresh)) && this.archive.keeps)
          throw new ExchangeError(strings.exportError.notKept);
        count += fresh.length;
        if (state && fresh[0]) await this.#keepState(fresh[0], state, complaints);
      } catch (error) {
        complaints.push(strings.notImported(file.name, said(error)));
      }
    }
    if (doubles > 0) complaints.unshift(strings.hereAlready(doubles));
    if (count > 0) complaints.unshift(strings.imported(count));
    await this.refresh();
    if (last) this.deeds.open(last);
    this.deeds.say(complaints.join(" "));
  }

  /** Keeps the state that came with a conversation; where that cannot be, what was said is here all the same. */
  async #keepState({ conversation, path }: Thread, state: Blob, complaints: string[]): Promise<void> {
    const last = path.at(-1);
    try {
      if (last) await this.states.keep(last, conversation.system, state);
    } catch (error) {
      complaints.push(said(error));
    }
  }
}

/**
 * The conversations in a file, and the state that stands behind the last message of the first one.
 * @throws {@link ExchangeError} where it is none that was exported here.
 */
async function readFile(file: File): Promise<{ threads: Thread[]; state?: Blob }> {
  if (await isState(file)) {
    const { state, thread } = await unpackState(file);
    return { threads: [thread], state };
  }
  if (file.size > mostImported) throw new ExchangeError(strings.exportError.tooLarge(mostImported));
  return { threads: fromFile(await file.text()) };
}

/** Which conversations are here already: those that were imported once, and those that never left. */
class Here {
  readonly #sources = new Map<string, string>();
  readonly #begun = new Map<number, string[]>();

  constructor(
    private readonly archive: Conversations,
    all: Conversation[],
  ) {
    for (const { id, created, source } of all) {
      if (source) this.#sources.set(source, id);
      else this.#begun.set(created, [...(this.#begun.get(created) ?? []), id].slice(-10));
    }
  }

  /** The id of the conversation that an imported one is; else it is one of them from now on. */
  async find(thread: Thread): Promise<string | undefined> {
    const { conversation } = thread;
    const source = await sourceOf(thread);
    const known = this.#sources.get(source);
    if (known) return known;
    for (const id of this.#begun.get(conversation.created) ?? []) {
      const own = await this.archive.read(id);
      if (own && (await sourceOf(own)) === source) return id;
    }
    conversation.source = source;
    this.#sources.set(source, conversation.id);
    return undefined;
  }
}

function ageOf(time: number): string {
  const today = new Date().setHours(0, 0, 0, 0);
  const day = 24 * 3600e3;
  if (time >= today) return strings.today;
  if (time >= today - day) return strings.yesterday;
  return time >= today - 6 * day ? strings.week : strings.earlier;
}
