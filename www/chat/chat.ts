/** The chat page: loads the model, keeps one conversation, shows what happens. */
import {
  type ChatMessageParam,
  type CompletionUsage,
  type FinishReason,
  type Progress,
  Samba,
  SambaError,
} from "../engine/client.ts";
import { MarkdownView } from "./markdown.ts";
import { strings } from "./strings.ts";

function $<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return element as T;
}

function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  text = "",
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

const page = {
  main: $("main"),
  model: $("model"),
  fresh: $<HTMLButtonElement>("new"),
  welcome: $("welcome"),
  loading: $("loading"),
  phase: $("phase"),
  bytes: $("bytes"),
  bar: $<HTMLProgressElement>("progress"),
  shard: $("shard"),
  suggestions: $("suggestions"),
  failure: $("failure"),
  turns: $("turns"),
  composer: $<HTMLFormElement>("composer"),
  prompt: $<HTMLTextAreaElement>("prompt"),
  send: $<HTMLButtonElement>("send"),
  figures: $("figures"),
  status: $("status"),
};

const address = new URLSearchParams(location.search);
const folder = new URL(`${address.get("model") ?? "models/default"}/`, location.href).href.replace(
  /\/+$/,
  "/",
);
let samba: Samba | undefined;
let messages: ChatMessageParam[] = [];
let answering: AbortController | undefined;
let context = 0;

function dress(): void {
  page.fresh.textContent = strings.newChat;
  $("headline").textContent = strings.headline;
  $("lead").textContent = strings.lead;
  $("prompt-label").textContent = strings.prompt;
  page.bar.setAttribute("aria-label", strings.phases.download ?? "");
  for (const [title, text] of strings.promises) {
    const entry = make("div");
    entry.append(make("dt", "", title), make("dd", "", text));
    $("promises").append(entry);
  }
  for (const text of strings.suggestions) {
    const button = make("button", "suggestion", text);
    button.type = "button";
    button.onclick = () => ask(text);
    const entry = make("li");
    entry.append(button);
    page.suggestions.append(entry);
  }
  controls();
}

/** Brings the buttons to what can be done now. */
function controls(): void {
  const busy = answering !== undefined;
  page.send.textContent = busy ? strings.stop : strings.send;
  page.send.classList.toggle("stop", busy);
  page.send.disabled = !busy && (!samba || page.prompt.value.trim() === "");
  page.fresh.disabled = messages.length === 0;
  page.welcome.hidden = messages.length > 0 && samba !== undefined;
  page.suggestions.hidden = !samba;
  document.body.classList.toggle("talking", messages.length > 0);
}

function figures(rate = 0): void {
  if (!samba) {
    page.figures.replaceChildren();
    return;
  }
  const { backend, adapter, state_bytes } = samba.about;
  const parts = [strings.context(context), strings.state(state_bytes), strings.on(backend, adapter)];
  if (rate > 0) parts.unshift(strings.rate(rate));
  page.figures.replaceChildren(...parts.map((part) => make("span", "", part)));
}

function showProgress({ phase, loaded, total, shard = 0, shards = 0 }: Progress): void {
  page.phase.textContent = strings.phases[phase] ?? strings.starting;
  if (phase === "download") {
    page.bytes.textContent = strings.loaded(loaded, total);
    page.shard.textContent = strings.shards(Math.min(shard + 1, shards), shards);
  }
  if (total > 0) page.bar.value = loaded / total;
  else page.bar.removeAttribute("value");
}

async function load(backend: "webgpu" | "cpu"): Promise<void> {
  samba?.unload();
  samba = undefined;
  context = 0;
  page.failure.hidden = true;
  page.loading.hidden = false;
  page.phase.textContent = strings.starting;
  page.bar.removeAttribute("value");
  page.prompt.placeholder = strings.placeholderLoading;
  document.body.dataset.state = "";
  controls();
  try {
    samba = await Samba.load(folder, {
      backend,
      onProgress: showProgress,
    });
  } catch (error) {
    fail(error);
    return;
  } finally {
    page.loading.hidden = true;
  }
  const card = make("a", "", strings.model(samba.about.parameters, samba.about.bits));
  card.title = strings.card;
  card.href = new URL("README.md", folder).href;
  card.target = "_blank";
  page.model.replaceChildren(card);
  page.prompt.placeholder = strings.placeholder;
  page.status.textContent = strings.ready;
  document.body.dataset.state = "ready";
  figures();
  controls();
}

/** Says what went wrong and what can be done. The conversation stays. */
function fail(error: unknown): void {
  const code = error instanceof SambaError ? error.code : "internal";
  const [title, advice] = strings.failures[code] ?? strings.otherFailure;
  const buttons = make("div", "choices");
  const choose = (label: string, backend: "webgpu" | "cpu") => {
    const button = make("button", "choice", label);
    button.type = "button";
    button.onclick = () => load(backend);
    buttons.append(button);
  };
  choose(strings.retry, wanted);
  if (code === "no_webgpu" || code === "no_adapter") choose(strings.cpu, "cpu");
  const sentence = error instanceof Error ? error.message : String(error);
  page.failure.replaceChildren(
    make("h2", "", title),
    make("p", "", advice),
    make("p", "details", sentence),
    buttons,
  );
  page.failure.dataset.code = code;
  page.failure.hidden = false;
  page.prompt.placeholder = strings.placeholder;
  document.body.dataset.state = "failed";
  if (samba && (code === "device_lost" || code === "internal")) {
    samba.unload();
    samba = undefined;
  }
  figures();
  controls();
  page.failure.scrollIntoView({ block: "nearest" });
}

const nearEnd = () => page.main.scrollHeight - page.main.scrollTop - page.main.clientHeight < 80;
const toEnd = () => {
  page.main.scrollTop = page.main.scrollHeight;
};

function addTurn(who: "user" | "assistant"): HTMLElement {
  const turn = make("li", `turn ${who}`);
  turn.append(make("h3", "hidden", who === "user" ? strings.you : strings.samba));
  page.turns.append(turn);
  return turn;
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

async function ask(text: string): Promise<void> {
  if (!samba || answering || text.trim() === "") return;
  answering = new AbortController();
  messages.push({ role: "user", content: text });
  const question = make("div", "bubble", text);
  question.dir = "auto";
  addTurn("user").append(question);
  const turn = addTurn("assistant");
  const body = make("div", "answer");
  body.dir = "auto";
  const wait = make("p", "waiting", strings.thinking);
  turn.append(body, wait);
  controls();
  toEnd();

  const view = new MarkdownView(body);
  const speed = new Speed();
  let answer = "";
  let usage: CompletionUsage | undefined;
  let reason: FinishReason | undefined;
  let drawing = 0;
  const draw = () => {
    drawing = 0;
    const follow = nearEnd();
    view.show(answer);
    if (follow) toEnd();
  };
  try {
    const stream = await samba.chat.completions.create({
      messages,
      stream: true,
      stream_options: { include_usage: true },
      signal: answering.signal,
      onProgress: ({ loaded, total }) => {
        wait.textContent = strings.reading(loaded, total);
      },
    });
    for await (const { choices, usage: told } of stream) {
      usage = told ?? usage;
      const [choice] = choices;
      if (!choice) continue;
      reason = choice.finish_reason ?? reason;
      if (choice.delta.role || choice.delta.content === undefined) continue;
      context += 1;
      answer += choice.delta.content;
      if (answer) wait.remove();
      figures(speed.add(1));
      drawing ||= requestAnimationFrame(draw);
    }
  } catch (error) {
    fail(error);
  }
  cancelAnimationFrame(drawing);
  draw();
  wait.remove();
  answering = undefined;
  if (!turn.isConnected) return controls(); // a new chat began meanwhile
  if (answer) messages.push({ role: "assistant", content: answer });
  else messages.pop(); // an unanswered question would stand twice when it is asked again
  finish(turn, answer, reason, usage);
}

/** Closes an answer: its figures, its button, one announcement for those who listen. */
function finish(
  turn: HTMLElement,
  answer: string,
  reason: FinishReason | undefined,
  usage: CompletionUsage | undefined,
): void {
  const foot = make("div", "foot");
  const notes = { cancelled: strings.stopped, length: strings.cut } as Record<string, string>;
  const note = notes[reason ?? ""] ?? (usage && !answer ? strings.empty : "");
  if (note) foot.append(make("span", "note", note));
  if (usage) {
    const { completion_tokens, timings } = usage;
    const rate = timings.decode > 0 ? (completion_tokens - 1) / timings.decode : 0;
    context = usage.context_tokens;
    foot.append(make("span", "", strings.answerFigures(completion_tokens, rate)));
    figures(rate);
  }
  if (answer) {
    const copy = make("button", "quiet small", strings.copy);
    copy.type = "button";
    copy.onclick = async () => {
      await navigator.clipboard.writeText(answer);
      copy.textContent = strings.copied;
      page.status.textContent = strings.copied;
      setTimeout(() => {
        copy.textContent = strings.copy;
      }, 1500);
    };
    foot.append(copy);
    page.status.textContent = strings.answered(turn.querySelector(".answer")?.textContent ?? "");
  }
  const follow = nearEnd();
  turn.append(foot);
  turn.classList.add("finished");
  if (follow) toEnd();
  controls();
}

function fit(): void {
  page.prompt.style.height = "auto";
  page.prompt.style.height = `${page.prompt.scrollHeight}px`;
}

page.composer.onsubmit = (event) => {
  event.preventDefault();
  if (answering) {
    answering.abort();
    page.prompt.focus();
    return;
  }
  const text = page.prompt.value.trim();
  if (!samba || !text) return;
  page.prompt.value = "";
  fit();
  ask(text);
  page.prompt.focus();
};
page.prompt.oninput = () => {
  fit();
  controls();
};
page.prompt.onkeydown = (event) => {
  // While an input method composes a word, Enter chooses it.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !answering) {
    event.preventDefault();
    page.composer.requestSubmit();
  }
};
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing) answering?.abort();
});
page.fresh.onclick = () => {
  answering?.abort();
  messages = [];
  context = 0;
  page.turns.replaceChildren();
  figures();
  controls();
  page.prompt.focus();
};

const wanted = address.get("backend") === "cpu" ? "cpu" : "webgpu";
dress();
load(wanted);
