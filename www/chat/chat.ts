/** The chat page: conversations on the left, one of them shown, the model that answers below it all. */
import type { ChatMessageParam, CompletionUsage } from "../engine/client.ts";
import { strings } from "../strings.ts";
import { $, icon, iconButton, make, textButton } from "../view/dom.ts";
import { Archive } from "./archive.ts";
import { type Finish, type Message, newConversation, Thread } from "./conversation.ts";
import { openMenu } from "./dialog.ts";
import { keepPage, openedFiles, sharedText } from "./install.ts";
import { listenForShortcuts, openHelp } from "./keys.ts";
import { folderAddress, ModelLife, standard } from "./model.ts";
import { openModels } from "./models.ts";
import { lastSettings, openSettings } from "./settings.ts";
import { Side } from "./side.ts";
import { Turn } from "./turn.ts";

const page = {
  main: $("main"),
  side: $("side"),
  model: $<HTMLButtonElement>("model"),
  welcome: $("welcome"),
  suggestions: $("suggestions"),
  turns: $("turns"),
  composer: $<HTMLFormElement>("composer"),
  prompt: $<HTMLTextAreaElement>("prompt"),
  send: $<HTMLButtonElement>("send"),
  figures: $("figures"),
  notice: $("notice"),
  status: $("status"),
};

const address = new URLSearchParams(location.search);
const life = new ModelLife(
  folderAddress(address.get("model") ?? "") ?? standard,
  address.get("backend") === "cpu" ? "cpu" : "webgpu",
);
const archive = await Archive.open();
let thread = new Thread(newConversation());
let turns: Turn[] = [];
let answering: AbortController | undefined;
let context = 0;

// What everybody hears, and what everybody sees.

function say(text: string): void {
  page.status.textContent = text;
}

/** Shows a sentence until it is closed, or until something else is to be said. */
function notify(text: string, ...choices: HTMLButtonElement[]): void {
  const close = iconButton("close", strings.close, () => {
    page.notice.hidden = true;
    page.prompt.focus();
  });
  page.notice.replaceChildren(make("p", "", text), ...choices, close);
  page.notice.hidden = false;
}

/** Brings buttons and fields to what can be done now. */
function controls(): void {
  const { samba, state } = life;
  const busy = answering !== undefined;
  const talking = turns.length > 0;
  page.send.replaceChildren(icon(busy ? "stop" : "send"));
  page.send.setAttribute("aria-label", busy ? strings.stop : strings.send);
  page.send.title = busy ? strings.stop : strings.send;
  page.send.classList.toggle("stop", busy);
  page.send.disabled = !busy && (!samba || page.prompt.value.trim() === "");
  page.welcome.hidden = talking;
  page.suggestions.hidden = state !== "ready" && state !== "loading";
  page.prompt.placeholder = state === "loading" ? strings.placeholderLoading : strings.placeholder;
  $("model-name").textContent = life.name;
  $("model-size").textContent = samba ? strings.modelOf(samba.about.parameters, samba.about.bits) : "";
  document.body.classList.toggle("talking", talking);
}

function figures(rate = 0): void {
  if (!life.samba) {
    page.figures.replaceChildren();
    return;
  }
  const { backend, adapter, state_bytes } = life.samba.about;
  const parts = [strings.context(context), strings.state(state_bytes), strings.on(backend, adapter)];
  if (rate > 0) parts.unshift(strings.rate(rate));
  page.figures.replaceChildren(...parts.map((part) => make("span", "", part)));
}

const nearEnd = () => page.main.scrollHeight - page.main.scrollTop - page.main.clientHeight < 80;
const toEnd = () => {
  page.main.scrollTop = page.main.scrollHeight;
};

// Conversations

const side = new Side(archive, {
  open: (id) => open(id),
  removed: (id) => id === thread.conversation.id && fresh(),
  renamed(conversation) {
    if (conversation.id === thread.conversation.id) thread.conversation.title = conversation.title;
    titlePage();
  },
  say: notify,
});

function titlePage(): void {
  const { title } = thread.conversation;
  document.title = title ? `${title} – Samba` : "Samba";
}

/** Shows another conversation. What was being written is stopped; it stays where it is. */
function enter(next: Thread, address: string): void {
  answering?.abort();
  thread = next;
  context = 0;
  if (address !== location.hash) history.pushState(null, "", address || location.pathname + location.search);
  draw();
  figures();
  toEnd();
  titlePage();
  document.body.classList.remove("side-open");
  side.refresh(thread.conversation.id);
}

function fresh(focus = true): void {
  const { system, sampling } = lastSettings();
  enter(new Thread(newConversation(system, sampling)), "");
  if (focus) page.prompt.focus();
}

async function open(id: string): Promise<void> {
  const found = await archive.read(id);
  if (found) enter(found, `#${id}`);
  else fresh(false);
}

function keep(...messages: Message[]): Promise<void> {
  return archive.save(thread.conversation, ...messages);
}

// Turns

const deeds = {
  edit(message: Message, text: string) {
    if (ask(text, message.parent)) page.prompt.focus();
  },
  regenerate(message: Message) {
    answer(message.parent);
    page.prompt.focus();
  },
  branch(message: Message) {
    const next = thread.branch(message, strings.branchOf(thread.conversation.title));
    archive.save(next.conversation, ...next.messages).then(() => enter(next, `#${next.conversation.id}`));
    page.prompt.focus();
  },
  show(message: Message) {
    thread.show(message);
    keep();
    draw();
    const turn = turns.find((turn) => turn.message.id === message.id);
    turn?.element.scrollIntoView({ block: "nearest" });
    turn?.element.querySelector<HTMLElement>(".versions button:enabled")?.focus();
  },
};

/** Shows the conversation's path. Turns that are there already stay. */
function draw(): void {
  const path = thread.path;
  turns = path.map((message) => {
    const there = turns.find((turn) => turn.message === message);
    const turn = there ?? new Turn(message, deeds);
    if (!turn.element.classList.contains("writing"))
      turn.finish(thread.versions(message), answering !== undefined);
    return turn;
  });
  page.turns.replaceChildren(...turns.map(({ element }) => element));
  controls();
}

/** Asks after the message given; false where that is not possible now. */
function ask(text: string, parent: string | null): boolean {
  if (!life.samba || answering || text.trim() === "") return false;
  const question = thread.add(parent, "user", text);
  keep(question);
  answer(question.id);
  return true;
}

/** Tokens a second over the last two seconds: steady enough to read, quick enough to be true. */
class Speed {
  #times: number[] = [];
  add(tokens: number): number {
    const now = performance.now();
    for (let i = 0; i < tokens; i++) this.#times.push(now);
    while ((this.#times[0] ?? now) < now - 2000) this.#times.shift();
    const span = now - (this.#times[0] ?? now);
    return span > 200 ? ((this.#times.length - 1) * 1000) / span : 0;
  }
}

/** How often what was written so far is kept, in milliseconds. */
const KEEP_EVERY = 500;

/** Writes an answer to the message given. */
async function answer(to: string | null): Promise<void> {
  const { samba } = life;
  if (!samba || answering) return;
  answering = new AbortController();
  const { signal } = answering;
  const written = thread; // another may be shown before this one is complete
  const { system, sampling } = written.conversation;
  const said: ChatMessageParam[] = written.pathTo(to).map(({ role, content }) => ({ role, content }));
  const messages = system ? [{ role: "system", content: system }, ...said] : said;
  const message = written.add(to, "assistant", "", samba.about.model);
  const turn = new Turn(message, deeds);
  turn.element.classList.add("writing");
  turns.push(turn);
  draw();
  turn.wait(strings.thinking);
  toEnd();
  const save = () => archive.save(written.conversation, message);
  await save();
  side.refresh(written.conversation.id);
  if (location.hash.slice(1) !== written.conversation.id && thread === written)
    history.replaceState(null, "", `#${written.conversation.id}`);
  titlePage();

  const speed = new Speed();
  let usage: CompletionUsage | undefined;
  let drawing = 0;
  let kept = performance.now();
  const show = () => {
    drawing = 0;
    const follow = nearEnd();
    turn.draw();
    if (follow && turn.element.isConnected) toEnd();
  };
  const leave = () => archive.draft(message);
  addEventListener("pagehide", leave);
  try {
    const stream = await samba.chat.completions.create({
      messages,
      ...sampling,
      stream: true,
      stream_options: { include_usage: true },
      signal,
      onProgress: ({ phase, loaded, total }) =>
        turn.wait(strings.phases[phase] ?? strings.reading(loaded, total)),
    });
    for await (const { choices, usage: told } of stream) {
      usage = told ?? usage;
      const [choice] = choices;
      if (choice?.finish_reason) message.finish = choice.finish_reason as Finish;
      if (!choice || choice.delta.role || choice.delta.content === undefined) continue;
      message.content += choice.delta.content;
      if (thread === written) {
        context += 1; // a chunk is a token
        figures(speed.add(1));
      }
      drawing ||= requestAnimationFrame(show);
      if (performance.now() - kept > KEEP_EVERY) {
        kept = performance.now();
        save();
      }
    }
    message.finish ??= "failed";
  } catch (error) {
    message.finish = "failed";
    life.fail(error);
  }
  removeEventListener("pagehide", leave);
  cancelAnimationFrame(drawing);
  answering = undefined;
  if (usage) {
    const { completion_tokens, timings } = usage;
    message.tokens = completion_tokens;
    message.rate = timings.decode > 0 ? (completion_tokens - 1) / timings.decode : 0;
  }
  const follow = nearEnd();
  turn.element.classList.remove("writing");
  await save();
  side.refresh();
  if (thread !== written) return draw();
  if (usage) {
    context = usage.context_tokens;
    figures(message.rate);
  }
  draw();
  if (message.content) say(strings.answered(turn.text));
  if (follow) toEnd();
}

// Writing

function fit(): void {
  page.prompt.style.height = "auto";
  page.prompt.style.height = `${page.prompt.scrollHeight}px`;
}

/** Puts a text where the visitor can send it. */
function suggest(text: string): void {
  page.prompt.value = text;
  fit();
  controls();
  page.prompt.focus();
}

page.composer.onsubmit = (event) => {
  event.preventDefault();
  page.prompt.focus();
  if (answering) return answering.abort();
  if (!ask(page.prompt.value.trim(), thread.conversation.head)) return;
  page.prompt.value = "";
  fit();
  controls();
};
page.prompt.oninput = () => {
  fit();
  controls();
};
page.prompt.onkeydown = (event) => {
  // While an input method composes a word, Enter chooses it.
  if (event.isComposing) return;
  if (event.key === "Enter" && !event.shiftKey && !answering) {
    event.preventDefault();
    page.composer.requestSubmit();
  } else if (event.key === "ArrowUp" && page.prompt.value === "" && !answering) {
    event.preventDefault();
    turns.findLast(({ message }) => message.role === "user")?.edit();
  }
};

// The page's own controls

function toggleSide(): void {
  const narrow = matchMedia("(max-width: 55rem)").matches;
  const shown = document.body.classList.toggle(narrow ? "side-open" : "side-shut") === narrow;
  $("show-side").setAttribute("aria-expanded", String(shown));
  if (shown) $("search").focus();
  else $("show-side").focus();
}

function settings(): void {
  openSettings(thread.conversation, () => thread.conversation.head && keep());
}

function models(): void {
  openModels(life, (begin) => {
    answering?.abort();
    context = 0;
    begin();
  });
}

function help(): void {
  openHelp();
}

function exchange(): void {
  const files = make("input");
  files.type = "file";
  files.multiple = true;
  files.accept = ".json,.md";
  files.onchange = () => side.import(files.files ?? []);
  files.click();
}

function dress(): void {
  const texts = {
    headline: strings.headline,
    lead: strings.lead,
    "prompt-label": strings.prompt,
    "side-title": strings.conversations,
    "search-label": strings.search,
  };
  for (const [id, text] of Object.entries(texts)) $(id).textContent = text;
  $<HTMLInputElement>("search").placeholder = strings.search;
  $("promises").append(
    ...strings.promises.map(([title = "", text = ""]) =>
      make("div", "", make("dt", "", title), make("dd", "", text)),
    ),
  );
  page.suggestions.append(
    ...strings.suggestions.map((text) =>
      make(
        "li",
        "",
        textButton("suggestion", text, () => ask(text, null) || suggest(text)),
      ),
    ),
  );
  const dressed = (
    id: string,
    name: Parameters<typeof icon>[0],
    label: string,
    words: boolean,
    action: () => void,
  ) => {
    const button = $<HTMLButtonElement>(id);
    button.append(icon(name), ...(words ? [make("span", "", label)] : []));
    if (!words) {
      button.setAttribute("aria-label", label);
      button.title = label;
    }
    button.onclick = action;
  };
  dressed("show-side", "menu", strings.showList, false, toggleSide);
  dressed("hide-side", "close", strings.hideList, false, toggleSide);
  dressed("new", "plus", strings.newChat, true, fresh);
  dressed("new-small", "plus", strings.newChat, false, fresh);
  dressed("import", "import", strings.importFiles, true, exchange);
  dressed("export", "export", strings.exportAll, true, () => side.exportAll());
  dressed("settings", "sliders", strings.settings, false, settings);
  $("lab").append(icon("gauge"), make("span", "", strings.lab));
  dressed("help", "help", strings.help, true, help);
  const more = $<HTMLButtonElement>("more");
  dressed("more", "more", strings.chatOptions, false, () =>
    openMenu(more, side.entries(thread.conversation)),
  );
  page.model.onclick = models;
  page.model.append(icon("down"));
  $("veil").onclick = toggleSide;
}

life.onchange = () => {
  if (life.state === "ready") say(strings.ready);
  figures();
  controls();
};
archive.onfault = (error) => {
  console.warn(`not kept: ${error}`);
  notify(strings.notSaved);
};
archive.onchange = async (id) => {
  side.refresh();
  if (id !== thread.conversation.id || answering) return;
  const changed = await archive.read(id);
  if (answering || thread.conversation.id !== id) return;
  if (!changed) return fresh(false);
  thread = changed;
  draw();
};
addEventListener("popstate", () => {
  const id = location.hash.slice(1);
  if (id && id !== thread.conversation.id) open(id);
  else if (!id && thread.conversation.head) fresh(false);
});
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer?.files.length) side.import(event.dataTransfer.files);
});
listenForShortcuts({
  stop: () => {
    if (answering) answering.abort();
    else if (document.body.classList.contains("side-open")) toggleSide();
  },
  fresh,
  search: () => {
    if (getComputedStyle(page.side).visibility === "hidden") toggleSide();
    $("search").focus();
  },
  list: toggleSide,
  write: () => page.prompt.focus(),
  again: () => {
    const last = thread.path.at(-1);
    if (last) answer(last.role === "assistant" ? last.parent : last.id);
  },
  copy: () => page.turns.querySelector<HTMLElement>(".turn.assistant:last-child .copy-turn")?.click(),
  settings,
  help,
});

dress();
if (!archive.keeps) notify(strings.notKept);
if (location.hash.length > 1) await open(location.hash.slice(1));
else fresh(false);
const shared = sharedText();
if (shared) suggest(shared);
openedFiles((name) => notify(strings.stateFile(name)));
life.wake();
keepPage(notify);
