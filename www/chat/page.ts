/** The page around a conversation: its head, its start, the list beside it, and what is dropped on it. */
import { SambaError } from "../engine/client.ts";
import { said } from "../engine/errors.ts";
import { stateBytes } from "../engine/state.ts";
import { strings } from "../strings.ts";
import { $, icon, make, textButton } from "../view/dom.ts";
import type { Composer } from "./composer.ts";
import type { Controller, View } from "./controller.ts";
import type { Message } from "./conversation.ts";
import { isExport, STATE_FILE } from "./exchange.ts";
import type { Hold } from "./hold.ts";
import { listenForShortcuts, openHelp } from "./keys.ts";
import type { ModelLife } from "./model.ts";
import { openModels } from "./models.ts";
import type { Notices } from "./notices.ts";
import type { Pace } from "./reading.ts";
import { keepSettings, lastSettings, openSettings } from "./settings.ts";
import type { Side } from "./side.ts";
import type { States } from "./storage/states.ts";
import type { Turns } from "./turns.ts";

export class Page implements View {
  // Set once all of them are there: they know of each other.
  controller!: Controller;
  composer!: Composer;
  turns!: Turns;
  side!: Side;

  constructor(
    private readonly life: ModelLife,
    private readonly hold: Hold,
    private readonly states: States,
    private readonly notices: Notices,
  ) {}

  // What the controller shows

  draw(): void {
    const { life, turns, controller } = this;
    turns.draw();
    this.composer.draw();
    const talking = !turns.empty;
    document.body.classList.toggle("talking", talking);
    $("welcome").hidden = talking;
    $("suggestions").hidden = life.state !== "ready" && life.state !== "loading";
    $("elsewhere").hidden = controller.phase !== "elsewhere";
    const { title } = controller.thread.conversation;
    document.title = title ? `${title} – Samba` : "Samba";
  }

  grow(message: Message): void {
    this.turns.grow(message);
  }

  pace(message: Message, pace?: Pace): void {
    this.turns.pace(message, pace);
  }

  figures(): void {
    const figures = $("figures");
    const { samba } = this.life;
    const { context, rate } = this.controller;
    if (!samba) {
      figures.replaceChildren();
      return;
    }
    const { backend, adapter, reason, state_bytes_per_token } = samba.about;
    const state = strings.state(stateBytes(samba.about, context), state_bytes_per_token ?? 0);
    const parts = [state, strings.on(backend, adapter)];
    if (context > 0) parts.unshift(strings.context(context)); // unknown while a text is being read
    if (rate > 0) parts.unshift(strings.rate(rate));
    figures.replaceChildren(...parts.map((part) => make("span", "", part)));
    (figures.lastElementChild as HTMLElement).title = reason ?? "";
    if (samba.sharing.tabs > 1) figures.append(make("span", "", strings.sharedBy(samba.sharing.tabs)));
  }

  enter(): void {
    const { id, head } = this.controller.thread.conversation;
    const address = head ? `#${id}` : "";
    if (address !== location.hash)
      history.pushState(null, "", address || location.pathname + location.search);
    document.body.classList.remove("side-open");
    this.turns.draw();
    if (head) this.turns.toEnd();
    else this.turns.toStart();
    this.figures();
    void this.side.refresh(id);
  }

  settle(): void {
    const { id } = this.controller.thread.conversation;
    if (location.hash.slice(1) !== id) history.replaceState(null, "", `#${id}`);
    this.turns.draw();
    this.turns.toEnd();
    void this.side.refresh(id);
  }

  list(): void {
    void this.side.refresh();
  }

  want(): void {
    const { state } = this.life;
    if (state === "asleep" || state === "failed") void this.life.load();
    this.turns.toEnd();
  }

  answered(message: Message): void {
    this.say(strings.answered(this.turns.textOf(message)));
  }

  say(text: string): void {
    $("status").textContent = text;
  }

  notify(text: string): void {
    this.notices.tell(text);
  }

  warn(text: string): void {
    this.notices.keep(text);
  }

  fail(error: unknown): void {
    // What was wrong with one request is no reason to load the model again.
    if (this.life.samba && error instanceof SambaError && !["device_lost", "internal"].includes(error.code))
      this.notices.keep(said(error));
    else this.life.fail(error);
  }

  // The page's own

  /** Another model is loaded, or none. */
  changed(): void {
    const { samba, state, name } = this.life;
    const about = samba?.about;
    const far = about?.backend === "remote";
    $("headline").textContent = far ? strings.headlineRemote : strings.headline;
    $("lead").textContent = far ? strings.leadRemote(location.host) : strings.lead(about?.backend ?? "");
    $("promises").hidden = far;
    $("model-name").textContent = name;
    $("model-size").textContent = about ? strings.modelOf(about.parameters, about.bits) : "";
    if (state === "ready") {
      this.say(strings.ready);
      if (far) this.notices.keep(strings.remote(location.host));
      // Who pressed Start, or waited, goes on by writing; who is elsewhere stays there.
      const { activeElement } = document;
      if (
        !activeElement ||
        activeElement === document.body ||
        activeElement.closest("#start, #loading, #main")
      )
        this.composer.focus();
    }
    this.controller.dispatch({ do: "have", engine: samba });
    this.figures();
    this.draw();
  }

  /** A new chat, with the settings used last. */
  fresh(focus = true): void {
    this.side.clearSearch();
    this.controller.dispatch({ do: "begin", ...lastSettings() });
    if (focus) this.composer.focus();
  }

  /** Shows what the page's address names, as far as it is here. */
  go(): void {
    const id = location.hash.slice(1);
    const { conversation } = this.controller.thread;
    if (id && id !== conversation.id) this.controller.dispatch({ do: "open", id });
    else if (!id && conversation.head) this.fresh(false);
  }

  /** Files that come from anywhere: what was exported here is imported, any other text is read. */
  async take(files: Iterable<File>): Promise<void> {
    const [exported, texts]: [File[], File[]] = [[], []];
    for (const file of files) ((await isExport(file)) ? exported : texts).push(file);
    if (exported.length > 0) await this.side.import(exported);
    if (texts.length > 0) await this.composer.attach(texts);
  }

  toggleSide(): void {
    const narrow = matchMedia("(max-width: 55rem)").matches;
    const shown = document.body.classList.toggle(narrow ? "side-open" : "side-shut") === narrow;
    $("show-side").setAttribute("aria-expanded", String(shown));
    if (shown) $("search").focus();
    else $("show-side").focus();
  }

  #settings(): void {
    const { conversation } = this.controller.thread;
    openSettings(conversation, this.life.samba?.about.sampling, this.states, (system, sampling) => {
      keepSettings(system, sampling);
      this.controller.dispatch({ do: "set", system, sampling });
    });
  }

  #models(): void {
    void openModels(this.life, (begin) => {
      void this.controller.rest();
      begin();
    });
  }

  #import(): void {
    const files = make("input");
    files.type = "file";
    files.multiple = true;
    files.accept = `.json,.md,${STATE_FILE}`;
    files.onchange = () => this.side.import(files.files ?? []);
    files.click();
  }

  #again(): void {
    const last = this.controller.thread.path.at(-1);
    if (last)
      this.controller.dispatch({ do: "answer", to: last.role === "assistant" ? last.parent : last.id });
  }

  #suggest(text: string): void {
    if (this.controller.dispatch({ do: "ask", text })) return;
    this.composer.write(text);
    this.composer.focus();
  }

  /** Gives everything its words and its actions. */
  dress(): void {
    const { controller, side, turns } = this;
    const texts = {
      headline: strings.headline,
      lead: strings.lead(""),
      "prompt-label": strings.prompt,
      "side-title": strings.conversations,
      "search-label": strings.search,
    };
    for (const [id, text] of Object.entries(texts)) $(id).textContent = text;
    $<HTMLInputElement>("search").placeholder = strings.search;
    for (const [title = "", text = ""] of strings.promises)
      $("promises").append(make("div", "", make("dt", "", title), make("dd", "", text)));
    for (const text of strings.suggestions)
      $("suggestions").append(
        make(
          "li",
          "",
          textButton("suggestion", text, () => this.#suggest(text)),
        ),
      );
    const takeOver = textButton("quiet small", strings.takeOver, () => this.hold.takeOver());
    $("elsewhere").replaceChildren(make("p", "", strings.elsewhere), takeOver);
    const fresh = () => this.fresh();
    const toggle = () => this.toggleSide();
    dressed("show-side", "menu", strings.showList, false, toggle);
    dressed("hide-side", "close", strings.hideList, false, toggle);
    dressed("new", "plus", strings.newChat, true, fresh);
    dressed("new-small", "plus", strings.newChat, false, fresh);
    dressed("import", "import", strings.importFiles, true, () => this.#import());
    dressed("export", "export", strings.exportAll, true, () => side.exportAll());
    dressed("attach", "attach", strings.attach, false, () => this.composer.pick());
    dressed("settings", "sliders", strings.settings, false, () => this.#settings());
    $("lab").append(icon("gauge"), make("span", "", strings.lab));
    $("docs").append(icon("document"), make("span", "", strings.docs));
    dressed("help", "help", strings.help, true, () => openHelp());
    const more = $<HTMLButtonElement>("more");
    dressed("more", "more", strings.chatOptions, false, () =>
      side.menu(more, controller.thread.conversation),
    );
    const model = $<HTMLButtonElement>("model");
    model.onclick = () => this.#models();
    model.append(icon("down"));
    $("veil").onclick = toggle;
    addEventListener("popstate", () => this.go());
    addEventListener("pagehide", () => controller.leave());
    this.#listenForFiles();
    listenForShortcuts({
      stop: () => {
        if (controller.dispatch({ do: "stop" })) return;
        if (document.body.classList.contains("side-open")) toggle();
      },
      fresh,
      search: () => {
        if (getComputedStyle($("side")).visibility === "hidden") toggle();
        $("search").focus();
      },
      list: toggle,
      write: () => this.composer.focus(),
      again: () => this.#again(),
      copy: () => turns.copyLast(),
      settings: () => this.#settings(),
      help: () => openHelp(),
    });
  }

  #listenForFiles(): void {
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      document.body.classList.toggle("dropping", event.dataTransfer?.types.includes("Files"));
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) document.body.classList.remove("dropping");
    });
    document.addEventListener("drop", (event) => {
      document.body.classList.remove("dropping");
      if (event.defaultPrevented) return; // a dialog's
      event.preventDefault();
      if (event.dataTransfer?.files.length) void this.take(event.dataTransfer.files);
    });
  }
}

function dressed(
  id: string,
  name: Parameters<typeof icon>[0],
  label: string,
  words: boolean,
  action: () => void,
): void {
  const button = $<HTMLButtonElement>(id);
  button.append(icon(name), ...(words ? [make("span", "", label)] : []));
  if (!words) {
    button.setAttribute("aria-label", label);
    button.title = label;
  }
  button.onclick = action;
}
