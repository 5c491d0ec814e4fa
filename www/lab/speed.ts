/** How fast it is here: runs the engine's own bench in this browser and plots speed against the length of the context. */
import { WorkerConnection } from "../engine/connection.ts";
import type { BenchReport, Ready } from "../engine/protocol.ts";
import { stateBytes } from "../engine/state.ts";
import { bytes, labStrings as strings } from "../strings.ts";
import { $ } from "../view/dom.ts";
import { backend, experiment, folder, integer, type Run, row, save, short } from "./experiment.ts";
import { draw } from "./plot.ts";

/** Tokens written at each length: enough for several flights of decode. */
const generate = 64;
const shortest = 256;
const seed = 0;

const page = {
  model: $<HTMLSelectElement>("model"),
  longest: $<HTMLSelectElement>("longest"),
  results: $("results"),
  about: $("about"),
  rows: $("rows"),
  ceiling: $("ceiling"),
  save: $<HTMLButtonElement>("save"),
  status: $("status"),
};

/** What was measured with one length of context. */
interface Point {
  context: number;
  decode: number;
  prefill: number;
  first_token: number;
}

interface Measured {
  date: string;
  browser: string;
  about: Ready;
  points: Point[];
  reports: BenchReport[];
}

let measured: Measured | undefined;

/** The model's address. */
function chosen(): string {
  const { value } = page.model;
  return value === "folder" ? folder : `random:${value}?bits=4&seed=${seed}`;
}

function lengths(): number[] {
  const all: number[] = [];
  for (let n = shortest; n <= Number(page.longest.value); n *= 2) all.push(n);
  return all;
}

async function measure({ signal, show, loading }: Run): Promise<string> {
  const engine = new WorkerConnection();
  try {
    let about: Ready | undefined;
    for await (const reply of engine.ask({ type: "load", url: chosen(), backend }, signal)) {
      if (reply.type === "progress") loading(reply);
      else if (reply.type === "ready") about = reply;
    }
    if (!about) throw new Error(strings.failed);
    measured = {
      date: new Date().toISOString(),
      browser: navigator.userAgent,
      about,
      points: [],
      reports: [],
    };
    page.about.textContent = strings.about(about);
    page.rows.replaceChildren();
    page.ceiling.textContent = "";
    const all = lengths();
    for (const [i, prompt] of all.entries()) {
      const step = strings.step(i, all.length);
      show(strings.measuring(prompt), step, i / all.length);
      page.status.textContent = strings.measuring(prompt);
      const request = {
        type: "bench",
        prompt,
        generate,
        runs: 1,
        seed,
        roofline: i === all.length - 1,
      } as const;
      for await (const reply of engine.ask(request, signal)) {
        if (reply.type === "progress" && reply.total > 0)
          show(strings.measuring(prompt), step, (i + reply.loaded / reply.total) / all.length);
        if (reply.type === "benched") take(measured, prompt, reply.report);
      }
    }
    return strings.done(all.length);
  } finally {
    engine.close();
  }
}

/** Keeps and shows a length's figures. */
function take({ about, points, reports }: Measured, context: number, report: BenchReport): void {
  const run = report.runs[0];
  if (!run) return;
  const point = {
    context,
    decode: run.decode > 0 ? run.tokens / run.decode : 0,
    prefill: context / run.prefill,
    first_token: run.first_token,
  };
  points.push(point);
  reports.push(report);
  const figures = [point.decode, point.prefill, point.first_token].map((n) => short.format(n));
  page.rows.append(row(integer.format(context), ...figures, bytes(stateBytes(about, context))));
  page.results.hidden = false;
  page.save.disabled = false;
  const roof = report.roofline.read_bytes_per_second;
  if (roof > 0) page.ceiling.textContent = strings.ceiling((report.decode.bytes * point.decode) / roof, roof);
  for (const which of ["decode", "prefill"] as const)
    draw($(which), {
      lengths: points.map((p) => p.context),
      curves: [{ values: points.map((p) => p[which]), colour: "--accent" }],
      value: (n) => short.format(n),
    });
}

export function startSpeed(): void {
  page.save.onclick = () => save("samba-lab.json", measured);
  const cancelled = () => strings.cancelled(measured?.points.length ?? 0);
  experiment("", { start: strings.measure, cancelled }, measure);
}
