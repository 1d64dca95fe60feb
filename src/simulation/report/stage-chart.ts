import { formatBytes, formatCount } from "../../telemetry/format.ts";
import type { Stage } from "../history.ts";
import { type Html, html } from "./html.ts";
import { logScale } from "./scale.ts";

const LEFT = 246;
const RIGHT = 156;
const TOP = 40;
const ROW = 34;
const BAR = 30;

/** What was sent, to scale: one bar, split by stage. */
export function shareBar(stages: readonly Stage[], width: number): Html {
  const total = stages.reduce((sum, { bytes }) => sum + bytes, 0);
  const GAP = 2;
  let at = 0;
  const segments = stages.map(({ name, bytes }, i) => {
    const size = (bytes / total) * width;
    const from = at;
    at += size;
    const text = shareOf(bytes / total);
    const fits = size > 64;
    return html`<g><title>${name}: ${formatBytes(bytes)}, ${text}</title>
<rect class="stage-${i}" x="${from}" y="0" width="${Math.max(1, size - GAP)}" height="${BAR}" rx="2"/>
${fits ? html`<text class="on" x="${from + 9}" y="${BAR / 2 + 4.5}">${text}</text>` : null}</g>`;
  });
  return html`<svg viewBox="0 0 ${width} ${BAR}" role="img" aria-label="Share of every stage in what was sent">${segments}</svg>`;
}

/** Every stage beside its dense equivalent, on one logarithmic axis: the distance is the saving. */
export function stageChart(stages: readonly Stage[], total: Stage, width: number): Html {
  const rows = [...stages, total];
  const bottom = TOP + rows.length * ROW;
  const values = rows.flatMap(({ bytes, denseBytes }) => [bytes, Math.max(denseBytes, 1)]);
  const x = logScale([Math.min(...values), Math.max(...values)], [LEFT, width - RIGHT]);
  const lines = x.ticks.map((tick) => {
    const at = x.place(tick);
    return html`<line class="grid" x1="${at}" x2="${at}" y1="${TOP}" y2="${bottom}"/>
<text class="tick" x="${at}" y="${bottom + 18}" text-anchor="middle">${tickBytes(tick)}</text>`;
  });
  const pairs = rows.map(({ name, bytes, denseBytes }, i) => {
    const y = TOP + i * ROW + ROW / 2;
    const ours = x.place(bytes);
    const dense = x.place(Math.max(denseBytes, 1));
    const outward = ours <= dense ? 1 : -1; // each figure stands on its dot's outer side
    const figure = (className: string, at: number, side: number, text: string): Html =>
      html`<circle class="${className}" cx="${at}" cy="${y}" r="5"/>
<text class="value ${className}" x="${at + 11 * side}" y="${y + 4.5}" text-anchor="${side > 0 ? "start" : "end"}">${text}</text>`;
    const key = i === stages.length ? null : html`<tspan class="stage-${i}">■</tspan> `;
    return html`<g class="${i === stages.length ? "total" : "stage"}"><text class="row" x="0" y="${y + 4.5}">${key}${name}</text>
<line class="span" x1="${ours}" x2="${dense}" y1="${y}" y2="${y}"/>
${figure("ours", ours, -outward, formatBytes(bytes))}
${figure("dense", dense, outward, formatBytes(denseBytes))}
<text class="strong" x="${width}" y="${y + 4.5}" text-anchor="end">${times(denseBytes / bytes)}</text></g>`;
  });
  const label = "Bytes of every stage beside what dense float32 tensors would have cost";
  return html`<svg viewBox="0 0 ${width} ${bottom + 26}" role="img" aria-label="${label}">
${lines}${heads(x.place(total.bytes), x.place(Math.max(total.denseBytes, 1)), width)}${pairs}</svg>`;
}

/** Over the columns: which dot is which, and what the last figure says. */
function heads(ours: number, dense: number, width: number): Html {
  const y = TOP - 8;
  const [left, right] = ours <= dense ? ["end", "start"] : ["start", "end"];
  return html`<text class="name ours" x="${ours}" y="${y}" text-anchor="${left!}">sent</text>
<text class="name dense" x="${dense}" y="${y}" text-anchor="${right!}">dense float32</text>
<text class="note" x="${width}" y="${y}" text-anchor="end">less</text>`;
}

/** 200 kB, not 200.00 kB: ticks are round numbers. */
export const tickBytes = (bytes: number): string =>
  formatBytes(bytes)
    .replace(/(\.\d*?)0+ /, "$1 ")
    .replace(". ", " ");

/** 8.9× or 130×. */
export const times = (ratio: number): string =>
  `${ratio < 19.95 ? ratio.toFixed(1) : formatCount(Math.round(ratio))}×`;

/** 60 %, or 0.3 % below one. */
const shareOf = (share: number): string => `${(100 * share).toFixed(share < 0.01 ? 1 : 0)} %`;
