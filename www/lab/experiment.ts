/** What the lab's experiments share: a form that starts and cancels one, how far it is, what went wrong. One runs at a time. */

import { backendOf } from "../engine/backend.ts";
import { CancelledError, type Progress, SambaError } from "../engine/client.ts";
import { labStrings as strings } from "../strings.ts";
import { composes } from "../view/composition.ts";
import { $, download, make } from "../view/dom.ts";

export const integer = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
export const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

/** What an experiment is given to run with. */
export interface Run {
  signal: AbortSignal;
  /** Shows what is done now, how much of it, and the share that is done where that is known. */
  show(phase: string, count: string, share?: number): void;
  /** Shows how far the model has come. */
  loading(progress: Progress): void;
}

interface Texts {
  start: string;
  /** Said when it was cancelled. */
  cancelled(): string;
}

let running: AbortController | undefined;
const all: (() => void)[] = [];

/**
 * Makes the form whose parts' ids begin with the name given start what is to be
 * done, which returns what is said at its end.
 */
export function experiment(name: string, texts: Texts, work: (run: Run) => Promise<string>): void {
  const form = $<HTMLFormElement>(`${name}form`);
  const start = $<HTMLButtonElement>(`${name}start`);
  const shown = $(`${name}running`);
  const phase = $(`${name}phase`);
  const count = $(`${name}count`);
  const bar = $<HTMLProgressElement>(`${name}progress`);
  const failure = $(`${name}failure`);
  const status = $("status");
  let own: AbortController | undefined;

  const show: Run["show"] = (what, much, share) => {
    phase.textContent = what;
    count.textContent = much;
    if (share === undefined) bar.removeAttribute("value");
    else bar.value = share;
  };
  const loading: Run["loading"] = ({ phase, loaded, total }) =>
    show(
      strings.phases[phase] ?? strings.starting,
      phase === "download" && total > 0 ? strings.bytes(loaded, total) : "",
      total > 0 ? loaded / total : undefined,
    );
  /** Brings the form to whether something runs. */
  const controls = () => {
    start.textContent = own ? strings.cancel : texts.start;
    start.disabled = running !== own;
    shown.hidden = !own;
    for (const field of form.querySelectorAll<HTMLSelectElement>("select")) field.disabled = !!own;
    document.body.dataset.state = running ? "running" : "idle";
  };
  all.push(controls);

  form.onsubmit = async (event) => {
    event.preventDefault();
    if (running) return own?.abort();
    running = own = new AbortController();
    const { signal } = own;
    failure.hidden = true;
    show(strings.starting, "");
    for (const bring of all) bring();
    try {
      status.textContent = await work({ signal, show, loading });
    } catch (error) {
      if (error instanceof CancelledError || signal.aborted) status.textContent = texts.cancelled();
      else {
        const told = error instanceof SambaError || error instanceof RangeError;
        failure.textContent = told ? error.message : `${strings.failed} ${error}`;
        failure.hidden = false;
      }
    } finally {
      running = own = undefined;
      for (const bring of all) bring();
    }
  };
  controls();
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !composes(event)) running?.abort();
});

const address = new URLSearchParams(location.search);

/** Where to compute, as the page's address says. */
export const backend = backendOf(address.get("backend"));

/** The folder of the chat page's model, or of the one that the page's address names. */
export const folder = new URL(
  `${address.get("model") ?? "models/default"}`.replace(/\/*$/, "/"),
  location.href,
).href;

/** A row of a table: its head, then its cells. */
export function row(head: string, ...cells: string[]): HTMLTableRowElement {
  const first = make("th", "", head);
  first.scope = "row";
  return make("tr", "", first, ...cells.map((text) => make("td", "", text)));
}

/** Offers figures as a file. */
export function save(name: string, figures: unknown): void {
  download(name, JSON.stringify(figures, null, 2));
}
