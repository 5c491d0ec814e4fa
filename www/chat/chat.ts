/** The chat page: conversations on the left, one of them shown, the model that answers below it all. */
import { backendOf } from "../engine/backend.ts";
import { type CompletionUsage, inspectState, type Samba } from "../engine/client.ts";
import { said } from "../engine/errors.ts";
import { strings, textStrings } from "../strings.ts";
import { composes } from "../view/composition.ts";
import { $, icon, iconButton, make, textButton } from "../view/dom.ts";
import { mostBytes, textOf } from "../view/text.ts";
import { Archive } from "./archive.ts";
import { type Finish, type Message, newConversation, Thread, titleOf } from "./conversation.ts";
import { isExport, STATE_FILE } from "./exchange.ts";
import { Hold } from "./hold.ts";
import { keepPage, openedFiles, sharedText } from "./install.ts";
import { listenForShortcuts, openHelp } from "./keys.ts";
import { Memory, messagesOf } from "./memory.ts";
import { folderAddress, ModelLife, standard } from "./model.ts";
import { openModels } from "./models.ts";
import { readText } from "./reading.ts";
import { lastSettings, openSettings } from "./settings.ts";
import { Side } from "./side.ts";
import { RoomError, States } from "./states.ts";
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
  elsewhere: $("elsewhere"),
  notice: $("notice"),
  status: $("status"),
};

const address = new URLSearchParams(location.search);
const life = new ModelLife(
  folderAddress(address.get("model") ?? "") ?? standard,
  address.get("backend") === "remote" ? "remote" : backendOf(address.get("backend")),
);
const archive = await Archive.open();
const states = await States.open();
const memory = new Memory(states);
const hold = new Hold();
let thread = new Thread(newConversation());
let turns: Turn[] = [];
let answering: AbortController | undefined;
/** The text that is being read in the background. */
let reading: { message: Message; cut: AbortController; pause: AbortController } | undefined;
/** Ends with what is being written or read. */
let work: Promise<void> = Promise.resolve();
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
  page.send.disabled = !busy && (!samba || !hold.mine || page.prompt.value.trim() === "");
  $<HTMLButtonElement>("attach").disabled = !hold.mine;
  page.elsewhere.hidden = hold.mine;
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
  const { backend, adapter, reason, state_bytes } = life.samba.about;
  const parts = [strings.state(state_bytes), strings.on(backend, adapter)];
  if (context > 0) parts.unshift(strings.context(context)); // unknown while a text is being read
  if (rate > 0) parts.unshift(strings.rate(rate));
  page.figures.replaceChildren(...parts.map((part) => make("span", "", part)));
  (page.figures.lastElementChild as HTMLElement).title = reason ?? "";
}

const nearEnd = () => page.main.scrollHeight - page.main.scrollTop - page.main.clientHeight < 80;
const toEnd = () => {
  page.main.scrollTop = page.main.scrollHeight;
};

// Conversations

const side = new Side(archive, states, {
  open: (id) => open(id),
  removed: (id) => id === thread.conversation.id && fresh(),
  renamed(conversation) {
    if (conversation.id === thread.conversation.id) thread.conversation.title = conversation.title;
    titlePage();
  },
  say: notify,
  async check(state) {
    await work;
    if (!life.samba) return void (await inspectState(state)); // what the model makes of it shows once it is loaded
    memory.lose();
    await life.samba.state.restore(state);
  },
});

function titlePage(): void {
  const { title } = thread.conversation;
  document.title = title ? `${title} – Samba` : "Samba";
}

/** Shows another conversation. What was being written is stopped and stays where it is; what was being read is read on later. */
function enter(next: Thread, address: string): void {
  answering?.abort();
  reading?.pause.abort();
  thread = next;
  context = 0;
  void work.then(() => hold.take(thread.conversation.id)).then(() => readOn());
  void showContext();
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

/** Shows how long the conversation is for the model, where a kept state tells. */
async function showContext(): Promise<void> {
  const { conversation } = thread;
  const kept = await states.find(conversation.head ?? "");
  if (!kept || conversation !== thread.conversation || answering) return;
  context = kept.position;
  figures();
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
  async branch(message: Message) {
    const next = thread.branch(message, strings.branchOf(thread.conversation.title));
    const [old, copies] = [thread.pathTo(message.id), next.path];
    page.prompt.focus();
    await archive.save(next.conversation, ...next.messages);
    for (const [i, copy] of copies.entries()) await states.share(old[i]?.id ?? "", copy);
    enter(next, `#${next.conversation.id}`);
  },
  stopReading() {
    reading?.cut.abort();
    page.prompt.focus();
  },
  async takeOut(message: Message) {
    if (answering || !hold.mine) return;
    reading?.pause.abort();
    await work;
    await takeOut(thread, message);
    page.prompt.focus();
  },
  show(message: Message) {
    if (!hold.mine) return;
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
  const busy = answering !== undefined || reading !== undefined || !hold.mine;
  turns = path.map((message, i) => {
    const there = turns.find((turn) => turn.message === message);
    const turn = there ?? new Turn(message, deeds);
    const last = i === path.length - 1;
    if (!turn.element.classList.contains("writing")) turn.finish(thread.versions(message), busy, last);
    return turn;
  });
  page.turns.replaceChildren(...turns.map(({ element }) => element));
  controls();
}

/** Asks after the message given; false where that is not possible now. */
function ask(text: string, parent: string | null): boolean {
  if (!life.samba || answering || !hold.mine || text.trim() === "") return false;
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
function answer(to: string | null): void {
  const { samba } = life;
  if (!samba || answering || !hold.mine) return;
  answering = new AbortController();
  work = Promise.all([work, write(samba, to, answering.signal, work)]).then(() => {});
}

async function write(
  samba: Samba,
  to: string | null,
  signal: AbortSignal,
  before: Promise<void>,
): Promise<void> {
  const written = thread; // another may be shown before this one is complete
  const { system, sampling } = written.conversation;
  const message = written.add(to, "assistant", "", samba.about.model);
  const turn = new Turn(message, deeds);
  turn.element.classList.add("writing");
  turns.push(turn);
  draw();
  turn.wait(strings.thinking);
  toEnd();
  if (reading) turn.wait(strings.readFirst(reading.message.name ?? ""));
  const save = async () => {
    // A tab that does not answer may lose the conversation to another one, whose head it is then.
    if (hold.mine || thread !== written) await archive.save(written.conversation, message);
  };
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
    await before; // a text that is being read comes first
    const path = written.pathTo(to);
    const reason = signal.aborted ? "" : await memory.recall(samba, written.conversation, path);
    if (reason) turn.remark = strings.readAgain(reason);
    const stream = await samba.chat.completions.create({
      messages: messagesOf(system, path),
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
  if (message.finish === "failed" || message.content === "") memory.lose();
  else void memory.remember(samba, written.conversation, message).catch(notKept);
  // Texts that nobody had time to read before have been now.
  for (const text of written.pathTo(to).filter(({ name, tokens }) => name && !tokens)) {
    if (!usage) break;
    text.tokens = (await samba.tokenize(text.content)).length;
    text.finish = text.finish === "failed" ? undefined : text.finish;
    await archive.save(written.conversation, text);
  }
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
  readOn();
}

/** Says once why a state could not be kept. */
function notKept(error: unknown): void {
  console.warn(`state not kept: ${error}`);
  const reason = said(error);
  const sentence = error instanceof RoomError ? reason : strings.stateNotKept(reason);
  if (told.has(sentence)) return;
  told.add(sentence);
  notify(sentence);
}
const told = new Set<string>();

// Long texts

/** A text longer than this is read by itself when it is pasted. */
const LONG = 4000;

/** Puts a text behind what was said and begins to read it. */
async function attach(name: string, text: string, title = name): Promise<void> {
  if (!hold.mine) return;
  thread.conversation.title ||= titleOf(title);
  const message = thread.attach(name, text);
  await keep(message);
  side.refresh(thread.conversation.id);
  if (location.hash.slice(1) !== thread.conversation.id)
    history.replaceState(null, "", `#${thread.conversation.id}`);
  titlePage();
  draw();
  toEnd();
  readOn();
}

async function attachFiles(files: Iterable<File>): Promise<void> {
  if (!hold.mine) return notify(strings.elsewhere);
  const complaints: string[] = [];
  for (const file of files) {
    try {
      await attach(file.name, await textOf(file));
    } catch (error) {
      complaints.push(said(error));
    }
  }
  if (complaints.length > 0) notify(complaints.join(" "));
  page.prompt.focus();
}

/** Reads the first text at the end of the conversation that is not read yet, then the next. */
function readOn(): void {
  const { samba } = life;
  if (!samba || answering || reading || !hold.mine) return;
  const { path } = thread;
  const message = path
    .slice(path.findLastIndex(({ name }) => !name) + 1)
    .find(({ tokens, finish }) => !tokens && finish !== "failed");
  if (!message) return;
  const pause = new AbortController();
  reading = { message, cut: new AbortController(), pause };
  work = Promise.all([work, read(samba, message, reading)]).then(() => {
    if (!pause.signal.aborted) readOn();
  });
}

async function read(
  samba: Samba,
  message: Message,
  { cut, pause }: NonNullable<typeof reading>,
): Promise<void> {
  const held = thread;
  const { name = "" } = message;
  const turn = () => turns.find((turn) => turn.message.id === message.id);
  say(strings.textStarts(name));
  const follow = nearEnd();
  draw();
  turn()?.read({ done: 0, total: 0, rate: 0, left: 0 });
  if (follow) toEnd();
  try {
    const whole = await readText(samba, memory, held, message, {
      cut: cut.signal,
      pause: pause.signal,
      onPace: (pace) => turn()?.read(pace),
      onfault: notKept,
    });
    const { tokens = 0, content, finish } = message;
    if (content === "") {
      await takeOut(held, message);
      notify(strings.nothingRead(name));
    } else if (whole) {
      await archive.save(held.conversation, message);
      say((finish === "cancelled" ? strings.textStopped : strings.textDone)(name, tokens));
    }
  } catch (error) {
    memory.lose();
    if (!pause.signal.aborted) {
      message.finish = "failed"; // it is read with the question then
      life.fail(error);
    }
  }
  reading = undefined;
  turn()?.endReading();
  draw();
  void showContext();
}

/** Takes out a text that nothing follows. */
async function takeOut(from: Thread, message: Message): Promise<void> {
  if (from.conversation.head !== message.id) return;
  from.drop(message);
  const kept = await states.find(message.id);
  if (kept) await states.drop(kept);
  if (from.messages.length === 0) await archive.remove(from.conversation.id);
  else await archive.drop(from.conversation, message);
  side.refresh();
  if (from === thread) draw();
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
page.prompt.onpaste = (event) => {
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (text.length <= LONG || !hold.mine) return;
  event.preventDefault();
  if (text.length > mostBytes) notify(textStrings.tooLarge(strings.pasted, text.length, mostBytes));
  else attach(strings.pasted, text.replaceAll("\r\n", "\n"), text);
};
page.prompt.onkeydown = (event) => {
  if (composes(event)) return; // Enter chooses a word then
  if (event.key === "Enter" && !event.shiftKey && !answering) {
    event.preventDefault();
    page.composer.requestSubmit();
  } else if (event.key === "ArrowUp" && page.prompt.value === "" && !answering && hold.mine) {
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
  openSettings(thread.conversation, states, () => hold.mine && thread.conversation.head && keep());
}

function models(): void {
  openModels(life, (begin) => {
    answering?.abort();
    reading?.pause.abort();
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
  files.accept = `.json,.md,${STATE_FILE}`;
  files.onchange = () => side.import(files.files ?? []);
  files.click();
}

/** Asks for text files to be read. */
function pickTexts(): void {
  const files = make("input");
  files.type = "file";
  files.multiple = true;
  files.accept = "text/*,.txt,.md,.csv,.json,.html,.log,.tex";
  files.onchange = () => attachFiles(files.files ?? []);
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
  dressed("attach", "attach", strings.attach, false, pickTexts);
  dressed("settings", "sliders", strings.settings, false, settings);
  $("lab").append(icon("gauge"), make("span", "", strings.lab));
  dressed("help", "help", strings.help, true, help);
  const more = $<HTMLButtonElement>("more");
  dressed("more", "more", strings.chatOptions, false, () => side.menu(more, thread.conversation));
  page.model.onclick = models;
  page.model.append(icon("down"));
  $("veil").onclick = toggleSide;
}

life.onchange = () => {
  const about = life.samba?.about;
  const far = about?.backend === "remote";
  $("headline").textContent = far ? strings.headlineRemote : strings.headline;
  $("lead").textContent = far ? strings.leadRemote(location.host) : strings.lead;
  $("promises").hidden = far;
  if (life.state === "ready") {
    say(strings.ready);
    if (far) notify(strings.remote(location.host));
    readOn();
  }
  figures();
  controls();
};
archive.onfault = (error) => {
  console.warn(`not kept: ${error}`);
  notify(strings.notSaved);
};
archive.onchange = async (id) => {
  side.refresh();
  if (id !== thread.conversation.id || answering || reading) return;
  await refetch();
};

/** Shows the conversation as it was kept by another tab. */
async function refetch(): Promise<void> {
  const { id } = thread.conversation;
  const changed = await archive.read(id);
  if (answering || reading || thread.conversation.id !== id) return;
  if (!changed) return fresh(false);
  thread = changed;
  draw();
}
hold.onasked = async () => {
  answering?.abort();
  reading?.pause.abort();
  await work;
};
hold.onchange = async () => {
  controls();
  if (hold.mine) {
    if (thread.conversation.head) await refetch();
    readOn();
  } else {
    answering?.abort();
    reading?.pause.abort();
    const here = textButton("quiet small", strings.takeOver, () => hold.takeOver());
    page.elsewhere.replaceChildren(make("p", "", strings.elsewhere), here);
  }
  draw();
};
addEventListener("popstate", () => {
  const id = location.hash.slice(1);
  if (id && id !== thread.conversation.id) open(id);
  else if (!id && thread.conversation.head) fresh(false);
});
/** Files that come from anywhere: what was exported here is imported, any other text is read. */
async function take(files: Iterable<File>): Promise<void> {
  const [exported, texts]: [File[], File[]] = [[], []];
  for (const file of files) ((await isExport(file)) ? exported : texts).push(file);
  if (exported.length > 0) await side.import(exported);
  if (texts.length > 0) await attachFiles(texts);
}
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
  if (event.dataTransfer?.files.length) take(event.dataTransfer.files);
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
openedFiles(take);
life.wake();
keepPage(notify);
