/** The lab: runs the engine's own bench in this browser and plots speed against the length of the context. */
import uPlot from "uplot";
import { WorkerConnection } from "../engine/connection.ts";
import { CancelledError, SambaError } from "../engine/errors.ts";
import type { BenchReport, Progress, Ready } from "../engine/protocol.ts";
import { $, make } from "../view/dom.ts";

/** Tokens written at each length: enough for several flights of decode. */
const generate = 64;
const shortest = 256;
const seed = 0;

const strings = {
  measure: "Measure",
  cancel: "Cancel",
  starting: "Starting the engine",
  phases: {
    download: "Loading weights",
    compile: "Preparing kernels",
  } as Record<string, string>,
  measuring: (length: number) => `Measuring with ${integer.format(length)} tokens`,
  step: (done: number, all: number) => `${done} of ${all} lengths`,
  bytes: (loaded: number, total: number) => `${megabytes(loaded)} of ${megabytes(total)}`,
  done: (lengths: number) => `Done: ${lengths} lengths measured.`,
  cancelled: (lengths: number) => `Cancelled: ${lengths} lengths had been measured.`,
  about: ({ model, parameters, bits, backend, adapter }: Ready) =>
    `${model}, ${short.format(parameters / 1e6)} million weights${bits ? ` of ${bits} bits` : ""}, on ${adapter || backend}.`,
  ceiling: (share: number, roof: number) =>
    `Writing moves the model's weights through memory once for each token: ${percent.format(share)} of the ${gigabytes(roof)} a second that a kernel which does nothing but read reaches here.`,
  failed: "The measurement failed.",
  tokens: "tokens of context",
};

const integer = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const percent = new Intl.NumberFormat("en", { style: "percent", maximumSignificantDigits: 2 });
const megabytes = (n: number) => `${short.format(n / 1e6)} MB`;
const gigabytes = (n: number) => `${short.format(n / 1e9)} GB`;

const page = {
  form: $<HTMLFormElement>("form"),
  model: $<HTMLSelectElement>("model"),
  longest: $<HTMLSelectElement>("longest"),
  start: $<HTMLButtonElement>("start"),
  running: $("running"),
  phase: $("phase"),
  count: $("count"),
  bar: $<HTMLProgressElement>("progress"),
  failure: $("failure"),
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

const address = new URLSearchParams(location.search);
let measured: Measured | undefined;
let running: AbortController | undefined;

/** The model's address, and whether it is computed on the processor. */
function chosen(): { url: string; backend: "webgpu" | "cpu" } {
  const backend = address.get("backend") === "cpu" ? "cpu" : "webgpu";
  if (page.model.value !== "folder")
    return { url: `random:${page.model.value}?bits=4&seed=${seed}`, backend };
  const folder = `${address.get("model") ?? "models/default"}`.replace(/\/*$/, "/");
  return { url: new URL(folder, location.href).href, backend };
}

function lengths(): number[] {
  const all: number[] = [];
  for (let n = shortest; n <= Number(page.longest.value); n *= 2) all.push(n);
  return all;
}

async function measure(signal: AbortSignal): Promise<void> {
  const engine = new WorkerConnection();
  try {
    let about: Ready | undefined;
    for await (const reply of engine.ask({ type: "load", ...chosen() }, signal)) {
      if (reply.type === "progress") showLoading(reply);
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
      show(strings.measuring(prompt), strings.step(i, all.length), i / all.length);
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
          page.bar.value = (i + reply.loaded / reply.total) / all.length;
        if (reply.type === "benched") take(prompt, reply.report);
      }
    }
    page.status.textContent = strings.done(all.length);
  } finally {
    engine.close();
  }
}

/** Keeps and shows a length's figures. */
function take(context: number, report: BenchReport): void {
  const run = report.runs[0];
  if (!measured || !run) return;
  const point = {
    context,
    decode: run.decode > 0 ? run.tokens / run.decode : 0,
    prefill: context / run.prefill,
    first_token: run.first_token,
  };
  measured.points.push(point);
  measured.reports.push(report);
  const head = make("th", "", integer.format(context));
  head.scope = "row";
  const cells = [short.format(point.decode), short.format(point.prefill), short.format(point.first_token)];
  cells.push(megabytes(measured.about.state_bytes));
  page.rows.append(make("tr", "", head, ...cells.map((text) => make("td", "", text))));
  page.results.hidden = false;
  page.save.disabled = false;
  const roof = report.roofline.read_bytes_per_second;
  if (roof > 0) page.ceiling.textContent = strings.ceiling((report.decode.bytes * point.decode) / roof, roof);
  draw();
}

const plots: uPlot[] = [];

/** Draws both plots anew, in the colours of the scheme. */
function draw(): void {
  for (const plot of plots.splice(0)) plot.destroy();
  const points = measured?.points ?? [];
  if (points.length === 0) return;
  const colours = getComputedStyle(document.documentElement);
  const colour = (name: string) => colours.getPropertyValue(name).trim();
  const font = `12px ${colour("--sans")}`;
  for (const which of ["decode", "prefill"] as const) {
    const host = $(which);
    const most = Math.max(...points.map((p) => p[which]));
    const axis: uPlot.Axis = {
      stroke: colour("--soft"),
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { stroke: colour("--line"), width: 1 },
      font,
    };
    const contexts = points.map((p) => p.context);
    const every = Math.ceil((contexts.length * 64) / host.clientWidth); // labels that have room
    const options: uPlot.Options = {
      width: host.clientWidth,
      height: host.clientHeight,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: {
          time: false,
          distr: 3,
          log: 2,
          range: [(contexts[0] ?? 1) / 1.2, Math.max((contexts.at(-1) ?? 1) * 1.2, shortest * 4)],
        },
        y: { range: [0, most * 1.15 || 1] },
      },
      axes: [
        {
          ...axis,
          label: strings.tokens,
          labelFont: font,
          splits: () => contexts.filter((_, i) => (contexts.length - 1 - i) % every === 0),
          values: (_, ticks) => ticks.map((n) => integer.format(n)),
        },
        { ...axis, size: 64, values: (_, ticks) => ticks.map((n) => short.format(n)) },
      ],
      series: [
        {},
        { stroke: colour("--accent"), width: 2, points: { show: true, size: 8, fill: colour("--accent") } },
      ],
    };
    plots.push(new uPlot(options, [contexts, points.map((p) => p[which])], host));
  }
}

function showLoading({ phase, loaded, total }: Progress): void {
  show(
    strings.phases[phase] ?? strings.starting,
    phase === "download" && total > 0 ? strings.bytes(loaded, total) : "",
    total > 0 ? loaded / total : undefined,
  );
}

function show(phase: string, count: string, share?: number): void {
  page.phase.textContent = phase;
  page.count.textContent = count;
  if (share === undefined) page.bar.removeAttribute("value");
  else page.bar.value = share;
}

/** Brings the form to whether a measurement runs. */
function controls(): void {
  const busy = running !== undefined;
  page.start.textContent = busy ? strings.cancel : strings.measure;
  page.running.hidden = !busy;
  page.model.disabled = busy;
  page.longest.disabled = busy;
  document.body.dataset.state = busy ? "running" : "idle";
}

page.form.onsubmit = async (event) => {
  event.preventDefault();
  if (running) {
    running.abort();
    return;
  }
  running = new AbortController();
  page.failure.hidden = true;
  show(strings.starting, "");
  controls();
  try {
    await measure(running.signal);
  } catch (error) {
    if (error instanceof CancelledError)
      page.status.textContent = strings.cancelled(measured?.points.length ?? 0);
    else {
      page.failure.textContent = error instanceof SambaError ? error.message : `${strings.failed} ${error}`;
      page.failure.hidden = false;
    }
  } finally {
    running = undefined;
    controls();
  }
};

page.save.onclick = () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(
    new Blob([JSON.stringify(measured, null, 2)], { type: "application/json" }),
  );
  link.download = "samba-lab.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
};

addEventListener("keydown", (event) => {
  if (event.key === "Escape") running?.abort();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
let width = 0;
new ResizeObserver(([entry]) => {
  const now = entry?.contentRect.width ?? 0;
  if (now !== width && now > 0) draw();
  width = now;
}).observe($("decode"));
controls();
