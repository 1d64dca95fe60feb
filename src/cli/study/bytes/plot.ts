import { type Html, html } from "../../../simulation/report/html.ts";
import { logScale } from "../../../simulation/report/scale.ts";
import { formatBytes } from "../../../telemetry/format.ts";
import { mean } from "../statistics.ts";
import type { Result } from "./study.ts";
import { type Line, linesOf } from "./table.ts";

const WIDTH = 860;
const LEFT = 250;
const RIGHT = 130;
const ROW = 30;
const HEAD = 44;
const FOOT = 46;

/**
 * Of every regime a bar a stage: bytes to the target, both ways, on a logarithmic axis, with a dot for each seed, and how
 * many times less than dense that is. One SVG that needs nothing else.
 */
export function plotOf(results: readonly Result[], title: string): string {
  const panels = results.map((result) => ({ regime: result.regime, lines: linesOf(result) }));
  const all = panels.flatMap(({ lines }) => lines.flatMap(({ bytes }) => bytes));
  const x = logScale([0.8 * Math.min(...all), Math.max(...all)], [LEFT, WIDTH - RIGHT]);
  const heightOf = (lines: readonly Line[]): number => HEAD + ROW * lines.length + FOOT;
  const height = 30 + panels.reduce((sum, { lines }) => sum + heightOf(lines), 0);
  let top = 30;
  const image = html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${title}" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="12" fill="#1b1e21">
<rect width="${WIDTH}" height="${height}" fill="#fcfcfa"/>
<text x="16" y="24" font-size="14" font-weight="600">${title}</text>
${panels.map(({ regime, lines }) => {
  const y = top;
  top += heightOf(lines);
  return html`<g transform="translate(0 ${y})">${panel(regime, lines, x)}</g>`;
})}
</svg>
`;
  return image.markup;
}

function panel(regime: string, lines: readonly Line[], x: ReturnType<typeof logScale>): Html {
  const bottom = HEAD + ROW * lines.length;
  return html`<text x="16" y="26" font-weight="600">${regime}</text>
${x.ticks.map(
  (
    tick,
  ) => html`<line x1="${x.place(tick)}" x2="${x.place(tick)}" y1="${HEAD - 4}" y2="${bottom}" stroke="#e4e5e2"/>
<text x="${x.place(tick)}" y="${bottom + 16}" text-anchor="middle" fill="#5d646b">${formatBytes(tick)}</text>`,
)}
${lines.map((line, i) => bar(line, HEAD + ROW * i, x, i === 0))}`;
}

function bar(
  { name, bytes, ratio, reached, of }: Line,
  y: number,
  x: ReturnType<typeof logScale>,
  isDense: boolean,
): Html {
  const label = html`<text x="${LEFT - 10}" y="${y + 16}" text-anchor="end">${name}</text>`;
  if (bytes.length === 0)
    return html`${label}<text x="${LEFT + 6}" y="${y + 16}" fill="#b3541e">not reached</text>`;
  const end = x.place(mean(bytes));
  const missed = reached < of ? ` (${reached} of ${of})` : "";
  const times = mean(ratio);
  const text = isDense ? formatBytes(mean(bytes)) : `${times.toFixed(times < 10 ? 1 : 0)}x${missed}`;
  return html`${label}
<rect x="${LEFT}" y="${y + 2}" width="${end - LEFT}" height="${ROW - 10}" fill="${isDense ? "#9aa1a8" : "#0b66ad"}" fill-opacity="0.75"/>
${bytes.map((one) => html`<circle cx="${x.place(one)}" cy="${y + 12}" r="2.5" fill="#1b1e21"/>`)}
<text x="${Math.max(end, ...bytes.map(x.place)) + 8}" y="${y + 16}" font-weight="600">${text}</text>`;
}
