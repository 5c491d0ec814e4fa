/**
 * A chat for any page:
 *
 *     <script type="module" src="https://models.example/samba-widget.js"></script>
 *     <samba-chat title="Ask us" floating></samba-chat>
 *
 * This script is small; the engine comes when a visitor starts a chat. README.md
 * beside it lists attributes, events, methods, parts and what a page's policy must allow.
 */
import { backendOf } from "../engine/backend.ts";
import type { ChatMessageParam, Progress, Samba } from "../engine/client.ts";
import { said } from "../engine/errors.ts";
import { strings } from "../strings.ts";
import answerStyle from "../view/answer.css" with { type: "text" };
import codeStyle from "../view/code.css" with { type: "text" };
import { composes } from "../view/composition.ts";
import { icon, iconButton, make, textButton } from "../view/dom.ts";
import { modelSize } from "../view/size.ts";
import widgetStyle from "./widget.css" with { type: "text" };

/** The other half's file and hash; set by tools/site/build. */
declare const SAMBA_WIDGET_ENGINE: { path: string; integrity: string };

type Heavy = typeof import("./engine.ts");
let half: Promise<Heavy> | undefined;
let failures = 0;

/** Loads the other half. A page that pins this script by its hash has pinned that one, too. */
function heavy(): Promise<Heavy> {
  half ??= (async () => {
    const { path, integrity } = SAMBA_WIDGET_ENGINE;
    const url = new URL(path, import.meta.url);
    // Browsers remember for an address that it failed: Firefox for as long as the page is there.
    if (failures > 0) url.searchParams.set("try", String(failures + 1));
    const { href } = url;
    const refused = `${href} could not be loaded, or is not what it was`;
    const link = make("link");
    Object.assign(link, { rel: "modulepreload", crossOrigin: "anonymous", integrity, href });
    const checked = new Promise<boolean>((resolve) => {
      link.onload = () => resolve(true);
      link.onerror = () => resolve(false);
    });
    document.head.append(link);
    if (!(await checked)) throw new Error(refused);
    // Firefox may call a wrong hash loaded, and refuse it here.
    return import(href).catch((cause) => {
      throw new Error(refused, { cause });
    });
  })().catch((error) => {
    half = undefined;
    failures++;
    throw error;
  });
  return half;
}

const standard = new URL("models/default/", import.meta.url).href;
/** Models that the visitor agreed to download to this origin; the chat page has the same list for its own. */
const KNOWN = "samba-models";

/** Where a conversation is kept if the page asks for it: as long as the tab is there, or until it is cleared. */
const shelves: Record<string, () => Storage> = { tab: () => sessionStorage, device: () => localStorage };
/** What is kept of a conversation at most, in characters: the last turns. */
const MOST_KEPT = 1 << 20;

const styles = new CSSStyleSheet();
styles.replaceSync(answerStyle + codeStyle + widgetStyle);

function part<E extends HTMLElement>(element: E, name: string): E {
  element.part.add(name);
  return element;
}

export class SambaChat extends HTMLElement {
  static readonly observedAttributes = [
    "title",
    "placeholder",
    "open",
    "floating",
    "model",
    "backend",
    "remote",
  ];
  /** Those who touch have no pointer that comes near: they see how much it is when they see the chat. */
  static readonly #touched = matchMedia("(hover: none)");

  readonly #heading = make("h2");
  readonly #intro = make("p");
  readonly #launcher = part(make("button", "launcher"), "launcher");
  readonly #panel = part(make("section", "panel"), "panel");
  readonly #middle = make("div", "middle");
  readonly #start = part(make("div", "start"), "start");
  readonly #go = part(
    textButton("primary", strings.widget.start(0), () => this.#begin()),
    "start-button",
  );
  readonly #loading = part(make("div", "loading"), "loading");
  readonly #phase = make("span");
  readonly #bar = part(make("progress"), "progress");
  readonly #failure = part(make("div", "failure"), "failure");
  readonly #turns = part(make("ol", "turns"), "turns");
  readonly #form = part(make("form", "composer"), "composer");
  readonly #prompt = part(make("textarea"), "prompt");
  readonly #send = part(make("button", "send"), "send");
  readonly #close = part(
    iconButton("close", strings.widget.close, () => this.hide()),
    "close",
  );
  readonly #clear = part(
    iconButton("again", strings.widget.clear, () => this.clear()),
    "clear",
  );
  readonly #where = part(make("details", "where"), "where");
  readonly #said = make("p", "said");

  #samba: Samba | undefined;
  #giveBack: (() => void) | undefined;
  #loadingNow: Promise<Samba> | undefined;
  #stopLoading: AbortController | undefined;
  #answering: AbortController | undefined;
  #sized = false;
  #messages: ChatMessageParam[] = [];
  /** Answers that were kept and are not drawn as Markdown yet. */
  readonly #plain = new Map<HTMLElement, string>();
  readonly #seen = new IntersectionObserver((entries) => {
    if (SambaChat.#touched.matches && entries.some(({ isIntersecting }) => isIntersecting)) this.#learnSize();
  });

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styles];

    this.#launcher.type = "button";
    this.#launcher.onclick = () => this.show();
    this.#heading.id = "title";
    this.#panel.setAttribute("aria-labelledby", "title");
    this.#panel.title = ""; // the element's title is the panel's heading, no tooltip
    this.#middle.tabIndex = 0;
    this.#middle.setAttribute("role", "region");
    this.#middle.setAttribute("aria-labelledby", "title");
    this.#start.append(make("div", "mark", icon("chat")), make("slot"), this.#go);
    const slot = this.#start.querySelector("slot");
    slot?.append(this.#intro);
    this.#bar.max = 1;
    this.#bar.setAttribute("aria-label", strings.phases.download ?? "");
    const cancel = textButton("quiet", strings.cancel, () => this.#stopLoading?.abort());
    this.#loading.append(this.#phase, this.#bar, cancel);
    this.#failure.setAttribute("role", "alert");
    this.#prompt.rows = 1;
    this.#prompt.dir = "auto";
    this.#prompt.setAttribute("aria-label", strings.prompt);
    this.#send.type = "submit";
    this.#form.append(this.#prompt, this.#send);
    this.#said.setAttribute("role", "status");
    const head = part(make("header", "head", this.#heading, this.#clear, this.#close), "header");
    this.#middle.append(this.#start, this.#turns, this.#loading, this.#failure);
    this.#panel.append(head, this.#middle, this.#form, this.#where, this.#said);
    root.append(this.#launcher, this.#panel);

    this.#form.onsubmit = (event) => {
      event.preventDefault();
      if (this.#answering) return this.stop();
      const text = this.#prompt.value.trim();
      if (!text) return;
      this.#prompt.value = "";
      this.ask(text).catch(() => {}); // shown, and told as an event
    };
    this.#prompt.oninput = () => this.#update();
    this.#prompt.onkeydown = (event) => {
      if (composes(event) || event.key !== "Enter" || event.shiftKey || this.#answering) return;
      event.preventDefault();
      this.#form.requestSubmit();
    };
    this.#panel.onkeydown = (event) => {
      if (event.key !== "Escape" || composes(event)) return;
      if (this.#answering) this.stop();
      else if (this.floating) this.hide();
      else return;
      event.stopPropagation();
    };
    // A visitor who comes near wants to know how much it is.
    for (const near of ["pointerenter", "focusin"])
      this.#panel.addEventListener(near, () => this.#learnSize());
    this.#loading.hidden = this.#failure.hidden = this.#where.hidden = true;
  }

  connectedCallback(): void {
    if (this.#messages.length === 0) this.#restore();
    this.#seen.observe(this.#panel);
    this.#update();
  }

  disconnectedCallback(): void {
    // Moved within the page it is connected again at once.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#seen.disconnect();
      this.#leave();
    });
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (before === now) return;
    if (name === "model" || name === "backend" || name === "remote") this.#leave();
    if (name === "open" && now !== null && this.floating) this.#opened();
    this.#update();
  }

  /** Whether a server answers in any case. */
  get #far(): boolean {
    return this.getAttribute("backend") === "remote" && this.hasAttribute("remote");
  }

  /** The address of the model's folder. */
  get model(): string {
    const given = this.getAttribute("model");
    return given ? new URL(`${given.replace(/\/+$/, "")}/`, document.baseURI).href : standard;
  }
  set model(folder: string) {
    this.setAttribute("model", folder);
  }

  /** A button at the corner of the page instead of a part of it. */
  get floating(): boolean {
    return this.hasAttribute("floating");
  }
  set floating(on: boolean) {
    this.toggleAttribute("floating", on);
  }

  /** Whether a floating chat is open. */
  get open(): boolean {
    return this.hasAttribute("open");
  }
  set open(on: boolean) {
    this.toggleAttribute("open", on);
  }

  /** What was said, oldest first: a copy. */
  get messages(): ChatMessageParam[] {
    return structuredClone(this.#messages);
  }

  /** Opens a floating chat. */
  show(): void {
    this.open = true;
  }

  /** Closes a floating chat; what was said stays. */
  hide(): void {
    this.open = false;
    if (this.floating) this.#launcher.focus();
    this.#tell("samba-close");
  }

  /** Loads the model, as the visitor's start does. */
  load(): Promise<void> {
    return this.#load().then(() => {});
  }

  /** Asks as the visitor does, loading the model first where needed, and resolves with the answer. */
  async ask(text: string): Promise<string> {
    if (this.#answering) throw new Error("samba-chat: an answer is being written; stop() it, or wait for it");
    const answering = new AbortController();
    this.#answering = answering;
    const said = this.#messages; // clear() begins another list
    const asked: ChatMessageParam = { role: "user", content: text };
    said.push(asked);
    this.#tell("samba-message", { role: "user", content: text });
    const question = this.#question(text);
    const answer = this.#answer();
    const turn = answer.parentElement as HTMLElement;
    const wait = make("p", "waiting", strings.thinking);
    turn.append(wait);
    this.#update();
    this.#toEnd();
    let content = "";
    let reason: string | null = null;
    try {
      const [{ MarkdownView }, samba] = await Promise.all([heavy(), this.#load()]);
      const system = this.getAttribute("system");
      const told: ChatMessageParam[] = system ? [{ role: "system", content: system }] : [];
      const view = new MarkdownView(answer);
      let drawing = 0;
      const draw = () => {
        drawing = 0;
        const follow = this.#nearEnd();
        view.show(content);
        if (follow) this.#toEnd();
      };
      const stream = await samba.chat.completions.create({
        messages: [...told, ...said],
        stream: true,
        signal: answering.signal,
        onProgress: ({ loaded, total }) => {
          wait.textContent = strings.reading(loaded, total);
        },
      });
      for await (const { choices } of stream) {
        reason = choices[0]?.finish_reason ?? reason;
        const piece = choices[0]?.delta.content;
        if (!piece) continue;
        content += piece;
        wait.remove();
        drawing ||= requestAnimationFrame(draw);
      }
      cancelAnimationFrame(drawing);
      view.show(content, true);
      const note = strings.notes[reason ?? ""] ?? (content ? "" : strings.empty);
      if (note) turn.append(make("p", "note", note));
      said.push({ role: "assistant", content });
      this.#said.textContent = strings.answered(answer.textContent ?? "");
      this.#tell("samba-message", { role: "assistant", content, finish_reason: reason });
      return content;
    } catch (error) {
      // An unanswered question would stand twice when it is asked again.
      if (content) said.push({ role: "assistant", content });
      else said.splice(said.indexOf(asked), 1);
      if (!this.#prompt.value) this.#prompt.value = content ? "" : text;
      if (!content) question.remove();
      if (!content) turn.remove();
      throw error;
    } finally {
      wait.remove();
      if (this.#answering === answering) this.#answering = undefined;
      if (this.#messages === said) this.#keep();
      this.#update();
      this.#toEnd();
    }
  }

  /** Ends the answer that is being written; what there is of it stays. */
  stop(): void {
    this.#answering?.abort();
  }

  /** Forgets what was said. */
  clear(): void {
    this.stop();
    this.#messages = [];
    this.#plain.clear();
    this.#turns.replaceChildren();
    this.#keep();
    this.#update();
    this.#prompt.focus();
  }

  #question(text: string): HTMLElement {
    const question = make("li", "question", text);
    question.dir = "auto";
    this.#turns.append(part(question, "question"));
    return question;
  }

  /** The place of an answer, in an item of its own. */
  #answer(): HTMLElement {
    const answer = part(make("div", "answer"), "answer");
    this.#turns.append(make("li", "", answer));
    return answer;
  }

  /** Where the conversation is kept, and under which name; nowhere unless the page says so. */
  #shelf(): [Storage, string] | undefined {
    const shelf = shelves[this.getAttribute("keep") ?? ""];
    try {
      return shelf && [shelf(), `samba-chat ${this.id || this.model}`];
    } catch {
      return undefined; // a visitor, or a frame, that may keep nothing
    }
  }

  #keep(): void {
    const [storage, name] = this.#shelf() ?? [];
    if (!storage || !name) return;
    let last = this.#messages;
    while (JSON.stringify(last).length > MOST_KEPT) last = last.slice(2);
    try {
      if (last.length > 0) storage.setItem(name, JSON.stringify(last));
      else storage.removeItem(name);
    } catch {
      storage.removeItem(name); // no room: nothing is better than what was said before
    }
  }

  /** Shows what was kept, as plain text until the other half is there. */
  #restore(): void {
    const [storage, name] = this.#shelf() ?? [];
    for (const message of conversationOf(storage?.getItem(name ?? ""))) {
      this.#messages.push(message);
      if (message.role === "user") this.#question(message.content);
      else {
        const answer = this.#answer();
        answer.textContent = message.content;
        this.#plain.set(answer, message.content);
      }
    }
    if (!this.floating || this.open) this.#draw();
  }

  #draw(): void {
    if (this.#plain.size === 0) return;
    heavy()
      .then(({ MarkdownView }) => {
        for (const [answer, content] of this.#plain) new MarkdownView(answer).show(content, true);
        this.#plain.clear();
        this.#toEnd();
      })
      .catch(() => {}); // the next question says what is wrong
  }

  #tell(name: string, detail?: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  #opened(): void {
    this.#learnSize();
    this.#draw();
    queueMicrotask(() => (this.#go.hidden ? this.#prompt : this.#go).focus());
    this.#tell("samba-open");
    if (this.#agreed()) this.#load().catch(() => {});
  }

  #begin(): void {
    this.#load()
      .then(() => this.#prompt.focus())
      .catch(() => {});
  }

  #load(): Promise<Samba> {
    if (this.#loadingNow) return this.#loadingNow;
    const loading: Promise<Samba> = this.#reallyLoad().catch((error) => {
      if (this.#loadingNow === loading) this.#loadingNow = undefined;
      throw error;
    });
    this.#loadingNow = loading;
    return loading;
  }

  async #reallyLoad(): Promise<Samba> {
    const stop = new AbortController();
    this.#stopLoading = stop;
    // Not once the element has another model, or has left the page: what is seen is another load's then.
    const current = () => this.#stopLoading === stop;
    this.#failure.hidden = true;
    this.#loading.hidden = false;
    this.#phase.textContent = strings.starting;
    this.#bar.removeAttribute("value");
    this.#agree(true);
    this.#update();
    try {
      const { borrow } = await heavy();
      const backend = this.#far ? "remote" : backendOf(this.getAttribute("backend"));
      const { samba, giveBack } = await borrow(
        this.model,
        backend,
        this.getAttribute("remote") ?? undefined,
        (now) => current() && this.#progress(now),
        stop.signal,
      );
      if (stop.signal.aborted) {
        giveBack();
        throw new DOMException("Loading was cancelled.", "AbortError");
      }
      this.#samba = samba;
      this.#giveBack = giveBack;
      this.#said.textContent = strings.ready;
      const { backend: taken, adapter, reason } = samba.about;
      const on = make("summary", "", strings.widget.runs(taken, adapter));
      this.#where.replaceChildren(on, make("p", "", reason || strings.widget.reason));
      this.#where.hidden = false;
      this.#tell("samba-ready", samba.about);
      return samba;
    } catch (error) {
      if (current()) {
        if (stop.signal.aborted) this.#agree(false);
        else this.#fail(error);
      }
      throw error;
    } finally {
      if (current()) {
        this.#loading.hidden = true;
        this.#update();
      }
    }
  }

  #progress(progress: Progress): void {
    const { phase, loaded, total } = progress;
    const what = strings.phases[phase] ?? strings.starting;
    this.#phase.textContent =
      phase === "download" || phase === "pack" ? `${what}: ${strings.loaded(loaded, total)}` : what;
    if (total > 0) this.#bar.value = loaded / total;
    else this.#bar.removeAttribute("value");
    this.#tell("samba-progress", progress);
  }

  #fail(error: unknown): void {
    const code = (error as { code?: keyof typeof strings.failures }).code;
    const [title, advice] = (code && strings.failures[code]) ?? strings.otherFailure;
    const choices = make(
      "div",
      "",
      textButton("quiet", strings.retry, () => this.#begin()),
    );
    if (code === "no_webgpu" || code === "no_adapter") {
      const slow = () => {
        this.setAttribute("backend", "cpu");
        this.#begin();
      };
      choices.append(" ", textButton("quiet", strings.cpu, slow));
    }
    const sentence = said(error);
    this.#failure.replaceChildren(
      make("strong", "", title),
      make("p", "", advice),
      make("p", "details", sentence),
      choices,
    );
    this.#failure.hidden = false;
    this.#tell("samba-error", error);
  }

  /** Gives the engine back; the next question loads it again. */
  #leave(): void {
    this.stop();
    this.#stopLoading?.abort();
    this.#giveBack?.();
    this.#samba = this.#giveBack = this.#loadingNow = this.#stopLoading = undefined;
    this.#loading.hidden = true;
    this.#sized = false;
  }

  async #learnSize(): Promise<void> {
    if (this.#sized || this.#far || this.#agreed()) return;
    this.#sized = true;
    this.#go.textContent = strings.widget.start(await modelSize(this.model));
  }

  #agreed(): boolean {
    return agreedTo().includes(this.model);
  }

  #agree(yes: boolean): void {
    try {
      const others = agreedTo().filter((folder) => folder !== this.model);
      localStorage.setItem(KNOWN, JSON.stringify(yes ? [this.model, ...others].slice(0, 20) : others));
    } catch {
      // The widget then asks again at the next visit.
    }
  }

  #nearEnd(): boolean {
    return this.#middle.scrollHeight - this.#middle.scrollTop - this.#middle.clientHeight < 60;
  }

  #toEnd(): void {
    this.#middle.scrollTop = this.#middle.scrollHeight;
  }

  /** Brings everything to what can be done now. */
  #update(): void {
    const { floating, open } = this;
    const title = this.getAttribute("title") || strings.widget.title;
    this.#heading.textContent = title;
    if (this.#launcher.textContent !== title)
      this.#launcher.replaceChildren(icon("chat"), make("span", "", title));
    this.#launcher.hidden = !floating || open;
    this.#panel.hidden = floating && !open;
    this.#close.hidden = !floating;
    if (floating) this.#panel.setAttribute("role", "dialog");
    else this.#panel.removeAttribute("role");
    const remote = this.getAttribute("remote") ?? "";
    const host = URL.canParse(remote, document.baseURI) ? new URL(remote, document.baseURI).host : remote;
    const { intro, introRemote, introEither } = strings.widget;
    this.#intro.textContent = this.#far ? introRemote(host) : remote ? introEither(host) : intro;
    const asks = !this.#samba && !this.#loadingNow && !this.#agreed();
    this.#start.hidden = this.#messages.length > 0 || !this.#loading.hidden;
    this.#go.hidden = !asks;
    this.#clear.hidden = this.#messages.length === 0;
    this.#prompt.placeholder = this.getAttribute("placeholder") || strings.placeholder;
    const busy = this.#answering !== undefined;
    this.#send.replaceChildren(icon(busy ? "stop" : "send"));
    this.#send.setAttribute("aria-label", busy ? strings.stop : strings.send);
    this.#send.disabled = !busy && this.#prompt.value.trim() === "";
  }
}

/** A conversation that was kept: questions and answers in turns. Other scripts of the page may have written anything there. */
function conversationOf(text: string | null | undefined): { role: "user" | "assistant"; content: string }[] {
  let list: unknown;
  try {
    list = JSON.parse(text ?? "[]");
  } catch {}
  const turn = (entry: unknown, i: number) => {
    const { role, content } = (entry ?? {}) as Partial<ChatMessageParam>;
    return role === (i % 2 ? "assistant" : "user") && typeof content === "string";
  };
  return Array.isArray(list) && list.every(turn) ? list.map(({ role, content }) => ({ role, content })) : [];
}

function agreedTo(): string[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(KNOWN) ?? "[]");
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

// A page that names the script twice has one element.
if (!customElements.get("samba-chat")) customElements.define("samba-chat", SambaChat);

declare global {
  interface HTMLElementTagNameMap {
    "samba-chat": SambaChat;
  }
}
