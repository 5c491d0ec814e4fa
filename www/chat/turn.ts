/** One message on the page: a question in its bubble or an answer in Markdown, with what can be done about it. */
import { strings } from "../strings.ts";
import { composes } from "../view/composition.ts";
import { cut } from "../view/cut.ts";
import { copyFrom, icon, iconButton, make, textButton } from "../view/dom.ts";
import { MarkdownView } from "../view/markdown.ts";
import type { Message } from "./conversation.ts";
import type { Pace } from "./reading.ts";

/** The most characters of a question or a text that are shown, and of an answer. */
const EXCERPT = 20_000;
const MOST = 500_000;

/** What a visitor can do with a message. */
export interface Deeds {
  /** Puts another text in a question's place and asks it. */
  edit(message: Message, text: string): void;
  /** Answers a question that has no answer, or again that of an answer. */
  answer(message: Message): void;
  /** Goes on with an answer that was stopped or cut. */
  goOn(message: Message): void;
  branch(message: Message): void;
  /** Shows another version. */
  show(message: Message): void;
  /** Reads no more of a text than was read so far. */
  stopReading(): void;
  /** Takes out a text that nothing follows. */
  takeOut(message: Message): void;
}

/** What a turn shows beside its message. */
export interface Place {
  versions: Message[];
  /** Something is written or read, or another tab writes: nothing may change. */
  busy: boolean;
  /** Nothing follows it. */
  last: boolean;
  remark: string;
  /** It is a question that waits for a model. */
  asked: boolean;
}

/** How an answer ended that may go on. */
const cutShort = new Set(["cancelled", "length", "interrupted", "failed"]);

export class Turn {
  readonly element: HTMLElement;
  /** Whether all of it is shown, not its text alone. */
  dressed = false;
  readonly #body: HTMLElement;
  readonly #foot = make("div", "foot");
  #view: MarkdownView | undefined;
  #wait: HTMLElement | undefined;
  #thought: { all: HTMLElement; label: HTMLElement; text: HTMLElement } | undefined;
  #reading: { row: HTMLElement; bar: HTMLProgressElement; pace: HTMLElement } | undefined;
  /** What was shown last, so that the same is not made twice. */
  #shown = "";

  constructor(
    readonly message: Message,
    private readonly deeds: Deeds,
  ) {
    const { role, content, name } = message;
    // No li: Chromium counts the items of a list that it need not lay out in quadratic time.
    this.element = make("div", `turn ${role}`);
    this.element.setAttribute("role", "listitem");
    this.element.dataset.id = message.id;
    const who = make("h3", "hidden", role === "user" ? strings.you : strings.samba);
    const kind = role === "assistant" ? "answer plain" : name ? "text-file" : "bubble";
    this.#body = make("div", kind, cut(content, EXCERPT));
    this.#body.dir = "auto";
    this.element.append(who, this.#body, this.#foot);
  }

  /** What is heard of it. */
  get text(): string {
    return this.#body.textContent ?? "";
  }

  /** Shows what an answer holds so far, and while it holds nothing, what it waits for. */
  write(waits: string): void {
    const { content } = this.message;
    this.element.classList.add("writing");
    this.dressed = true;
    this.#shown = "";
    this.#foot.hidden = true;
    if (content || this.message.reasoning) this.#wait?.remove();
    else this.#waitFor(waits);
    this.#showThought(!content);
    this.#markdown().show(content);
  }

  /** Shows what was thought before the answer: folded, for it is no part of that. */
  #showThought(goesOn: boolean): void {
    const { reasoning } = this.message;
    if (!reasoning) {
      this.#thought?.all.remove();
      this.#thought = undefined;
      return;
    }
    if (!this.#thought) {
      const label = make("summary");
      const text = make("div", "excerpt");
      text.dir = "auto";
      text.tabIndex = 0; // it scrolls
      text.setAttribute("role", "region");
      text.setAttribute("aria-label", strings.thought);
      this.#thought = { all: make("details", "thought", label, text), label, text };
      this.#body.before(this.#thought.all);
    }
    this.#thought.label.textContent = goesOn ? strings.thinksNow : strings.thought;
    this.#thought.text.textContent = cut(reasoning, MOST);
  }

  /** Says that the answer is on its way. */
  #waitFor(text: string): void {
    this.#wait ??= make("p", "waiting");
    this.#wait.textContent = text;
    if (!this.#wait.isConnected) this.#body.after(this.#wait);
  }

  #markdown(): MarkdownView {
    if (!this.#view) {
      this.#body.replaceChildren();
      this.#body.classList.remove("plain");
      this.#body.removeAttribute("dir"); // its blocks have their own
      this.#view = new MarkdownView(this.#body);
    }
    return this.#view;
  }

  /** Shows how far the reading of a text is. */
  read({ done, total, rate, left }: Pace): void {
    const { name = "" } = this.message;
    if (!this.#reading) {
      const bar = make("progress");
      bar.setAttribute("aria-label", strings.readingText(name));
      const pace = make("span");
      const stop = textButton("quiet small", strings.stopReading, () => this.deeds.stopReading());
      const row = make("div", "reading-row", pace, stop);
      this.#reading = { row, bar, pace };
      this.#body.after(bar, row);
      this.#foot.hidden = true;
    }
    const { bar, pace } = this.#reading;
    if (total > 0) bar.value = done / total;
    const parts = [
      total > 0 ? strings.reading(done, total) : strings.thinking,
      strings.readingPace(rate, left),
    ];
    pace.textContent = parts.filter(Boolean).join(" · ");
  }

  /** Reading has ended, or rests. */
  endReading(): void {
    this.#reading?.bar.remove();
    this.#reading?.row.remove();
    this.#reading = undefined;
    this.#foot.hidden = false;
  }

  /** Shows the whole message with its figures and buttons. */
  finish(place: Place): void {
    const { message } = this;
    const { content, finish, tokens, name } = message;
    const at = place.versions.map(({ id }) => id).indexOf(message.id);
    const shown = JSON.stringify([
      { ...place, versions: [at, place.versions.length] },
      content.length,
      message.reasoning?.length,
      finish,
      tokens,
    ]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.dressed = true;
    if (place.asked) this.#waitFor(strings.waitsForModel);
    else this.#wait?.remove();
    if (message.role === "assistant") {
      this.#showThought(false);
      this.#markdown().show(cut(content, MOST), true);
    } else if (name) this.#drawText(name);
    else this.#drawQuestion();
    this.#drawFoot(place);
    this.element.classList.remove("writing");
    this.element.classList.add("finished");
  }

  #drawFoot({ versions, busy, last, remark, asked }: Place): void {
    const { message, deeds } = this;
    const { role, content, name, tokens } = message;
    const foot = this.#foot;
    const had = foot.contains(document.activeElement)
      ? document.activeElement?.getAttribute("aria-label")
      : null;
    foot.hidden = this.#reading !== undefined || !this.#body.isConnected; // or it is being edited
    foot.replaceChildren();
    if (role === "assistant") {
      const note = strings.notes[message.finish ?? "interrupted"] ?? (content ? "" : strings.empty);
      if (note) foot.append(make("span", "note", note));
      if (tokens) foot.append(make("span", "figure", strings.answerFigures(tokens, message.rate ?? 0)));
      if (content.length > MOST) foot.append(make("span", "note", strings.shortened(content.length - MOST)));
    }
    if (name) {
      if (message.finish === "cancelled") foot.append(make("span", "note", strings.textCut));
      foot.append(make("span", "figure", tokens ? strings.textRead(tokens) : strings.textUnread));
    }
    if (remark) foot.append(make("span", "note", remark));
    const buttons = make("div", "deeds");
    if (versions.length > 1) buttons.append(this.#versions(versions, busy));
    if (content) {
      const copy = iconButton("copy", strings.copy, () => copyFrom(copy, content));
      copy.classList.add("copy-turn");
      buttons.append(copy);
    }
    const add = (...deed: Parameters<typeof iconButton>) => {
      const button = iconButton(...deed);
      button.disabled = busy;
      buttons.append(button);
    };
    if (name) {
      if (last) add("close", strings.takeOut, () => deeds.takeOut(message));
    } else if (role === "user") {
      add("edit", strings.edit, () => this.edit());
      if (last && !asked) add("again", strings.answerThis, () => deeds.answer(message));
    } else {
      add("again", strings.regenerate, () => deeds.answer(message));
      if (content) add("branch", strings.branch, () => deeds.branch(message));
    }
    foot.append(buttons);
    if (last && role === "assistant" && content && cutShort.has(message.finish ?? "interrupted")) {
      const on = textButton("quiet small go-on", strings.goOn, () => deeds.goOn(message));
      on.disabled = busy;
      foot.append(on);
    }
    if (had) foot.querySelector<HTMLElement>(`[aria-label="${CSS.escape(had)}"]`)?.focus();
  }

  /** A question that is as long as a book shows how it begins. */
  #drawQuestion(): void {
    const { content } = this.message;
    this.#body.replaceChildren(cut(content, EXCERPT));
    const rest = content.length - EXCERPT;
    if (rest > 0) this.#body.append(make("p", "note", strings.shortened(rest)));
  }

  /** A text shows what it is called and, opened, how it begins. */
  #drawText(name: string): void {
    const { content } = this.message;
    if (this.#body.dataset.length === String(content.length)) return; // it may be open
    this.#body.dataset.length = String(content.length);
    const head = make("summary", "", icon("document"), make("strong", "", name));
    head.append(make("span", "", strings.textSize(content.length)));
    const rest = content.length - EXCERPT;
    const excerpt = make("div", "excerpt", cut(content, EXCERPT));
    excerpt.dir = "auto";
    excerpt.tabIndex = 0; // it scrolls
    excerpt.setAttribute("role", "region");
    excerpt.setAttribute("aria-label", name);
    const text = make("details", "", head, excerpt);
    if (rest > 0) text.append(make("p", "note", strings.shortened(rest)));
    this.#body.replaceChildren(text);
  }

  #versions(versions: Message[], busy: boolean): HTMLElement {
    const at = versions.findIndex(({ id }) => id === this.message.id);
    const group = make("div", "versions");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", strings.versionSaid(at + 1, versions.length));
    const step = (name: "before" | "after", label: string, to: Message | undefined) => {
      const button = iconButton(name, label, () => to && this.deeds.show(to));
      button.disabled = busy || !to;
      return button;
    };
    group.append(
      step("before", strings.before, versions[at - 1]),
      make("span", "", strings.version(at + 1, versions.length)),
      step("after", strings.after, versions[at + 1]),
    );
    return group;
  }

  /** Turns a question into a field. */
  edit(): void {
    if (this.message.name || this.element.querySelector("form")) return;
    const field = make("textarea");
    field.setAttribute("aria-label", strings.editing);
    field.value = this.message.content;
    field.dir = "auto";
    const form = make("form", "edit");
    const leave = () => {
      form.replaceWith(this.#body);
      this.#foot.hidden = false;
      this.element.querySelector<HTMLElement>(".deeds button:last-child")?.focus();
    };
    const send = make("button", "primary", strings.saveEdit);
    form.append(field, make("div", "choices", textButton("quiet", strings.cancel, leave), send));
    form.onsubmit = (event) => {
      event.preventDefault();
      const text = field.value.trim();
      if (text) this.deeds.edit(this.message, text);
    };
    field.onkeydown = (event) => {
      if (composes(event)) return;
      if (event.key === "Escape") {
        event.stopPropagation();
        leave();
      } else if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        form.requestSubmit();
      }
    };
    this.#body.replaceWith(form);
    this.#foot.hidden = true;
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }
}
