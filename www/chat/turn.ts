/** One message on the page: a question in its bubble or an answer in Markdown, with what can be done about it. */
import { strings } from "../strings.ts";
import { composes } from "../view/composition.ts";
import { copyFrom, icon, iconButton, make, textButton } from "../view/dom.ts";
import { MarkdownView } from "../view/markdown.ts";
import type { Message } from "./conversation.ts";
import type { Pace } from "./reading.ts";

/** The most characters of a text that are shown. */
const EXCERPT = 20_000;

/** What a visitor can do with a message. */
export interface Deeds {
  /** Puts another text in a question's place and asks it. */
  edit(message: Message, text: string): void;
  regenerate(message: Message): void;
  branch(message: Message): void;
  /** Shows another version. */
  show(message: Message): void;
  /** Reads no more of a text than was read so far. */
  stopReading(): void;
  /** Takes out a text that nothing follows. */
  takeOut(message: Message): void;
}

export class Turn {
  readonly element: HTMLLIElement;
  readonly #body: HTMLElement;
  readonly #foot = make("div", "foot");
  readonly #view: MarkdownView | undefined;
  #wait: HTMLElement | undefined;
  #reading: { row: HTMLElement; bar: HTMLProgressElement; pace: HTMLElement } | undefined;
  /** A remark at its foot, for as long as the page is open. */
  remark = "";

  constructor(
    readonly message: Message,
    private readonly deeds: Deeds,
  ) {
    const { role } = message;
    this.element = make("li", `turn ${role}`);
    this.element.dataset.id = message.id;
    const who = make("h3", "hidden", role === "user" ? strings.you : strings.samba);
    this.#body = make("div", role === "assistant" ? "answer" : message.name ? "text-file" : "bubble");
    if (role === "user") this.#body.dir = "auto"; // an answer's blocks have directions of their own
    this.element.append(who, this.#body, this.#foot);
    if (role === "assistant") this.#view = new MarkdownView(this.#body);
  }

  /** What is heard of it. */
  get text(): string {
    return this.#body.textContent ?? "";
  }

  /** Says that the answer is on its way. */
  wait(text: string): void {
    this.#wait ??= make("p", "waiting");
    this.#wait.textContent = text;
    if (!this.#wait.isConnected) this.#body.after(this.#wait);
  }

  /** Shows what the message holds so far. */
  draw(): void {
    if (this.message.content) this.#wait?.remove();
    this.#view?.show(this.message.content);
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

  /** Shows the whole message with its figures and buttons. Busy: an answer is written, nothing may change. */
  finish(versions: Message[], busy = false, last = false): void {
    const { message, deeds } = this;
    const { role, content } = message;
    this.#wait?.remove();
    if (this.#view) this.#view.show(content, true);
    else if (message.name) this.#drawText(message.name);
    else this.#body.replaceChildren(content);
    const foot = this.#foot;
    foot.replaceChildren();
    if (role === "assistant") {
      const note = strings.notes[message.finish ?? "interrupted"] ?? (content ? "" : strings.empty);
      if (note) foot.append(make("span", "note", note));
      if (message.tokens)
        foot.append(make("span", "figure", strings.answerFigures(message.tokens, message.rate ?? 0)));
    }
    if (message.name) {
      const { tokens } = message;
      if (message.finish === "cancelled") foot.append(make("span", "note", strings.textCut));
      foot.append(make("span", "figure", tokens ? strings.textRead(tokens) : strings.textUnread));
    }
    if (this.remark) foot.append(make("span", "note", this.remark));
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
    if (message.name) {
      if (last) add("close", strings.takeOut, () => deeds.takeOut(message));
    } else if (role === "user") {
      add("edit", strings.edit, () => this.edit());
    } else {
      add("again", strings.regenerate, () => deeds.regenerate(message));
      if (content) add("branch", strings.branch, () => deeds.branch(message));
    }
    foot.append(buttons);
    this.element.classList.add("finished");
  }

  /** A text shows what it is called and, opened, how it begins. */
  #drawText(name: string): void {
    const { content } = this.message;
    if (this.#body.dataset.length === String(content.length)) return; // it may be open
    this.#body.dataset.length = String(content.length);
    const head = make("summary", "", icon("document"), make("strong", "", name));
    head.append(make("span", "", strings.textSize(content.length)));
    const rest = content.length - EXCERPT;
    const excerpt = make("div", "excerpt", content.slice(0, EXCERPT));
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
