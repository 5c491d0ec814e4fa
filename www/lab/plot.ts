/** The lab's plots: something against the length of the context, in the colours of the scheme. */
import uPlot from "uplot";
import { labStrings } from "../strings.ts";
import { integer } from "./experiment.ts";

/** One curve of a plot. */
export interface Curve {
  /** What stands in the legend; without a name there is none. */
  name?: string;
  /** One value for each length; null where there is none. */
  values: (number | null)[];
  /** A colour of the page: "--accent". */
  colour: string;
  /** Not measured. */
  dashed?: boolean;
}

export interface Chart {
  /** Tokens of context, rising. */
  lengths: number[];
  curves: Curve[];
  /** The end of the upright axis; left out: a little above the highest value. */
  most?: number;
  /** A length that is marked, and what to call it. */
  mark?: { at: number; name: string };
  /** How the upright axis shows a value. */
  value: (n: number) => string;
}

const drawn = new Map<HTMLElement, { plot: uPlot | undefined; chart: Chart; width: number }>();

/** Draws a chart in its place on the page, and again when that place or the scheme changes. */
export function draw(host: HTMLElement, chart: Chart): void {
  if (!drawn.has(host)) resized.observe(host);
  drawn.get(host)?.plot?.destroy();
  const width = host.clientWidth;
  drawn.set(host, { plot: width > 0 ? plotted(host, chart) : undefined, chart, width });
}

const redraw = () => {
  for (const [host, { chart }] of drawn) draw(host, chart);
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const host = target as HTMLElement;
    const known = drawn.get(host);
    if (known && host.clientWidth !== known.width) draw(host, known.chart);
  }
});

function plotted(host: HTMLElement, { lengths, curves, most, mark, value }: Chart): uPlot {
  const colours = getComputedStyle(document.documentElement);
  const colour = (name: string) => colours.getPropertyValue(name).trim();
  const font = `12px ${colour("--sans")}`;
  const axis: uPlot.Axis = {
    stroke: colour("--soft"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1 },
    font,
  };
  const [first = 1, last = 1] = [lengths[0], lengths.at(-1)];
  const every = Math.ceil((lengths.length * 64) / host.clientWidth); // labels that have room
  const highest = Math.max(...curves.flatMap(({ values }) => values.map((v) => v ?? 0)));
  const named = curves.some(({ name }) => name);
  const marked = (plot: uPlot) => {
    if (!mark || mark.at < first / 1.2 || mark.at > last * 1.2) return;
    const x = plot.valToPos(mark.at, "x", true);
    const { top, height } = plot.bbox;
    const { ctx } = plot;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour("--soft");
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    ctx.font = `${12 * devicePixelRatio}px ${colour("--sans")}`;
    const room = ctx.measureText(mark.name).width + 12 * devicePixelRatio;
    const left = x + room > plot.bbox.left + plot.bbox.width;
    ctx.textAlign = left ? "right" : "left";
    ctx.fillText(mark.name, x + (left ? -6 : 6) * devicePixelRatio, top + height / 2);
    ctx.restore();
  };
  const options: uPlot.Options = {
    width: host.clientWidth,
    height: host.clientHeight - (named ? 24 * curves.length : 0), // the legend's lines
    legend: { show: named, live: false },
    cursor: { show: false },
    scales: {
      x: { time: false, distr: 3, log: 2, range: [first / 1.2, Math.max(last * 1.2, first * 4)] },
      y: { range: [0, most ?? (highest * 1.15 || 1)] },
    },
    axes: [
      {
        ...axis,
        label: labStrings.tokens,
        labelFont: font,
        // On a logarithmic axis uPlot would blank what is no round power.
        filter: (_, splits) => splits,
        splits: () => lengths.filter((_, i) => (lengths.length - 1 - i) % every === 0),
        values: (_, ticks) => ticks.map((n) => integer.format(n)),
      },
      { ...axis, size: 64, values: (_, ticks) => ticks.map(value) },
    ],
    series: [
      {},
      ...curves.map(({ name = "", colour: of, dashed }) => ({
        label: name,
        stroke: colour(of),
        width: 2,
        ...(dashed ? { dash: [6, 5] } : {}),
        points: { show: true, size: 8, fill: colour(of) },
      })),
    ],
    hooks: { draw: [marked] },
  };
  return new uPlot(options, [lengths, ...curves.map(({ values }) => values)], host);
}
