import { formatCount } from "../../telemetry/format.ts";
import { type Html, html } from "./html.ts";

/** How many examples of each class a client has. */
export type Share = readonly number[];

const LEFT = 96;
const RIGHT = 110;
const TOP = 34;
const ROW = 22;
const MAX_ROWS = 40;
const MAX_CLASSES = 32;

/** Clients by classes, a disc for every count: its area is the count. Of many clients or classes the evenly spaced ones. */
export function partitionChart(shares: readonly Share[], width: number): Html {
  const numClasses = shares[0]!.length;
  const classes = evenly(numClasses, MAX_CLASSES);
  const clients = evenly(shares.length, MAX_ROWS);
  const column = (width - LEFT - RIGHT) / classes.length;
  const bottom = TOP + clients.length * ROW;
  const most = Math.max(1, ...clients.flatMap((client) => classes.map((label) => shares[client]![label]!)));
  const largest = Math.min(column, ROW) / 2;
  const x = (i: number): number => LEFT + (i + 0.5) * column;
  const y = (i: number): number => TOP + (i + 0.5) * ROW;
  const heads = classes.map(
    (label, i) =>
      html`<text class="tick" x="${x(i)}" y="${TOP - 10}" text-anchor="middle">${String(label)}</text>`,
  );
  const rows = clients.map((client, row) => {
    const share = shares[client]!;
    const total = share.reduce((sum, n) => sum + n, 0);
    const discs = classes.map((label, i) => {
      const count = share[label]!;
      if (count === 0) return null;
      const title = `client ${client + 1}, class ${label}: ${formatCount(count)}`;
      return html`<circle class="stage-0" cx="${x(i)}" cy="${y(row)}" r="${Math.max(0.6, largest * Math.sqrt(count / most))}"><title>${title}</title></circle>`;
    });
    return html`<line class="grid" x1="${LEFT}" x2="${width - RIGHT}" y1="${y(row)}" y2="${y(row)}"/>
<text class="row" x="0" y="${y(row) + 4.5}">client ${client + 1}</text>${discs}
<text class="value" x="${width}" y="${y(row) + 4.5}" text-anchor="end">${formatCount(total)}</text>`;
  });
  const label = "Examples of every class that every client has";
  return html`<svg viewBox="0 0 ${width} ${bottom + 8}" role="img" aria-label="${label}">
<text class="axis" x="0" y="${TOP - 10}">class</text>${heads}<text class="note" x="${width}" y="${TOP - 10}" text-anchor="end">examples</text>
${rows}</svg>`;
}

/** Up to `most` of 0 to count-1, evenly spaced, the first among them. */
export const evenly = (count: number, most: number): readonly number[] =>
  Array.from({ length: Math.min(count, most) }, (_, i) => Math.floor((i * count) / Math.min(count, most)));
