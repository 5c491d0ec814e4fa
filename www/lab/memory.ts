/**
 * What it remembers: hides a pass key in a book, asks for it at growing lengths
 * and plots how often it comes back, beside what the text costs in memory. After
 * Mohtashami and Jaggi (Landmark Attention, 2023), with a book in the place of
 * their one repeated line; samba eval passkey has theirs.
 */
import { Samba } from "../engine/client.ts";
import { said } from "../engine/errors.ts";
import type { Ready } from "../engine/protocol.ts";
import { stateBytes } from "../engine/state.ts";
import { bytes, labStrings as strings } from "../strings.ts";
import { $, make } from "../view/dom.ts";
import { textOf } from "../view/text.ts";
import { backend, experiment, folder, integer, type Run, row, save, short } from "./experiment.ts";
import { draw } from "./plot.ts";

const intro =
  "There is an important info hidden inside a lot of irrelevant text. Find it and memorize them. I will quiz you about the important information there.\n";
const fact = (key: string) => `\nThe pass key is ${key}. Remember it. ${key} is the pass key.\n`;
const question = "\nWhat is the pass key? The pass key is";

const shortest = 256;
/** More than the characters of any tokenizer's average token, so that a slice of the book is enough. */
const charactersPerToken = 8;
const bytesPerValue = 2; // a KV cache is kept in half precision, mostly

const page = {
  book: $<HTMLSelectElement>("memory-book"),
  depth: $<HTMLSelectElement>("memory-depth"),
  longest: $<HTMLSelectElement>("memory-longest"),
  results: $("memory-results"),
  about: $("memory-about"),
  rows: $("memory-rows"),
  formula: $("memory-formula"),
  note: $("memory-note"),
  save: $<HTMLButtonElement>("memory-save"),
  failure: $("memory-failure"),
  status: $("status"),
};

/** What came of one length. */
interface Point {
  length: number;
  /** Keys asked for, and those that came back digit for digit. */
  asked: number;
  found: number;
  /** Tokens read and the seconds to the first token after them, all questions together. */
  read: number;
  seconds: number;
  /** A wrong answer as it came. */
  wrong: string;
}

interface Measured {
  date: string;
  browser: string;
  about: Ready;
  book: string;
  depths: number[];
  points: Point[];
}

let measured: Measured | undefined;
/** The visitor's own book. */
let own: { name: string; text: string } | undefined;

/** Bytes that a token takes in the KV cache of a Transformer of the same width and depth. */
function perToken({ layers, num_key_value_heads, head_dim }: Ready): number {
  return layers * 2 * num_key_value_heads * head_dim * bytesPerValue;
}

async function book(signal: AbortSignal): Promise<{ name: string; text: string }> {
  if (page.book.value === "own" && own) return own;
  const response = await fetch("lab/opticks.txt", { signal });
  if (!response.ok) throw new RangeError(`${response.url} answers ${response.status}: reload the page.`);
  return { name: page.book.options[0]?.text ?? "", text: await response.text() };
}

async function measure(run: Run): Promise<string> {
  const { signal, show, loading } = run;
  const { name, text } = await book(signal);
  const samba = await Samba.load(folder, { backend, signal, onProgress: loading, shared: false });
  // A text being cut into tokens cannot be cancelled; an engine can be ended.
  const end = () => samba.unload();
  signal.addEventListener("abort", end);
  try {
    show(strings.preparing, "");
    const longest = Number(page.longest.value);
    const slice = text.slice(0, longest * charactersPerToken);
    const ids = await samba.tokenize(slice);
    const frame = (await samba.tokenize(intro + fact("12345") + question)).length;
    const all: number[] = [];
    for (let n = shortest; n <= longest && n - frame <= ids.length; n *= 2) all.push(n);
    if (all.length === 0) throw new RangeError(strings.tooShort(name));
    const chosen = page.depth.value;
    const depths = chosen === "all" ? [0, 0.25, 0.5, 0.75, 1] : [Number(chosen)];
    const { about } = samba;
    measured = {
      date: new Date().toISOString(),
      browser: navigator.userAgent,
      about,
      book: name,
      depths,
      points: [],
    };
    dress(measured, ids.length + frame < longest ? strings.shortBook(ids.length + frame) : "");
    const questions = all.length * depths.length;
    let asked = 0;
    for (const length of all) {
      const point: Point = { length, asked: 0, found: 0, read: 0, seconds: 0, wrong: "" };
      for (const depth of depths) {
        const key = String(10_000 + Math.floor(Math.random() * 90_000));
        const words = strings.asking(key, depth, length);
        const count = strings.question(asked, questions);
        show(words, count, asked / questions);
        if (point.asked === 0) page.status.textContent = words;
        const room = length - frame;
        const before = await samba.detokenize(ids.slice(0, Math.round(room * depth)));
        const after = await samba.detokenize(ids.slice(Math.round(room * depth), room));
        const { choices, usage } = await samba.completions.create({
          prompt: intro + before + fact(key) + after + question,
          max_tokens: 12,
          temperature: 0,
          repetition_penalty: 1,
          signal,
          onProgress: ({ loaded, total }) =>
            show(words, count, (asked + (total > 0 ? loaded / total : 0)) / questions),
        });
        const answer = choices[0]?.text ?? "";
        point.asked++;
        asked++;
        if (retrieved(answer, key)) point.found++;
        else point.wrong ||= strings.wrong(key, answer.trim().slice(0, 40));
        point.read += usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens;
        point.seconds += usage.timings.first_token;
      }
      measured.points.push(point);
      take(measured, point);
    }
    return strings.asked(...sum(measured));
  } finally {
    signal.removeEventListener("abort", end);
    samba.unload();
  }
}

/** Whether an answer begins with the key, and with nothing longer. */
function retrieved(answer: string, key: string): boolean {
  const text = answer.trim();
  return text.startsWith(key) && !/^\d/.test(text.slice(key.length));
}

function sum({ points }: Measured): [found: number, asked: number] {
  const all = (of: "found" | "asked") => points.reduce((n, point) => n + point[of], 0);
  return [all("found"), all("asked")];
}

/** Shows what the figures to come are of. */
function dress({ about, book }: Measured, note: string): void {
  page.about.textContent = `${book}. ${strings.about(about)}`;
  page.rows.replaceChildren();
  const each = perToken(about);
  const { layers, num_key_value_heads: heads, head_dim: width, state_bytes_per_token } = about;
  const more = each - (state_bytes_per_token ?? 0); // that the Transformer takes for a token
  const even = more > 0 ? Math.ceil(stateBytes(about, 0) / more) : undefined;
  page.formula.textContent = each > 0 ? strings.formula(layers, heads, width, each, even) : "";
  page.note.textContent = note;
}

/** Shows a length's figures. */
function take({ about, points }: Measured, { length, asked, found, read, seconds, wrong }: Point): void {
  const each = perToken(about);
  page.rows.append(
    row(
      integer.format(length),
      strings.found(found, asked),
      bytes(stateBytes(about, length)),
      each > 0 ? bytes(each * length) : "–",
      seconds > 0 ? short.format(read / seconds) : "–",
      wrong || "–",
    ),
  );
  page.results.hidden = false;
  page.save.disabled = false;
  const lengths = points.map((p) => p.length);
  const mark = about.sliding_window > 0 ? { mark: { at: about.sliding_window, name: strings.window } } : {};
  draw($("recall"), {
    lengths,
    curves: [{ values: points.map((p) => (100 * p.found) / p.asked), colour: "--accent" }],
    most: 105,
    value: (n) => (n <= 100 ? `${n} %` : ""),
    ...mark,
  });
  draw($("kv"), {
    lengths,
    curves: [
      { name: strings.here, values: lengths.map((n) => stateBytes(about, n)), colour: "--accent" },
      ...(each > 0
        ? [{ name: strings.there, values: lengths.map((n) => n * each), colour: "--soft", dashed: true }]
        : []),
    ],
    value: bytes,
  });
  draw($("reading"), {
    lengths,
    curves: [{ values: points.map((p) => (p.seconds > 0 ? p.read / p.seconds : null)), colour: "--accent" }],
    value: (n) => short.format(n),
    ...mark,
  });
}

/** Asks for a book of the visitor's own; without one the sample stays. */
function pick(): void {
  if (page.book.value !== "own") return;
  const picker = make("input");
  picker.type = "file";
  picker.accept = ".txt,.md,text/plain,text/markdown";
  picker.oncancel = () => {
    if (!own) page.book.value = "sample";
  };
  picker.onchange = async () => {
    const file = picker.files?.[0];
    if (!file) return;
    try {
      own = { name: file.name, text: await textOf(file) };
    } catch (error) {
      page.book.value = own ? "own" : "sample";
      page.failure.textContent = said(error);
      page.failure.hidden = false;
      return;
    }
    page.failure.hidden = true;
    const entry = page.book.querySelector<HTMLOptionElement>("[value=own]");
    if (entry) entry.textContent = file.name;
  };
  picker.click();
}

export function startMemory(): void {
  page.book.onchange = pick;
  page.save.onclick = () => save("samba-lab-memory.json", measured);
  const cancelled = () => {
    const [found, asked] = measured ? sum(measured) : [0, 0];
    return strings.askedSoFar(found, asked);
  };
  experiment("memory-", { start: strings.ask, cancelled }, measure);
}
