import { type Html, html } from "../../../simulation/report/html.ts";
import { linearScale, type Scale } from "../../../simulation/report/scale.ts";
import { mean, spread } from "../statistics.ts";
import { regimesOf } from "./figures.ts";
import { type RegimeName, type Rule, ruleNames } from "./grid.ts";
import type { Row } from "./study.ts";

const COLUMNS = 2;
const PANEL = { width: 460, height: 270 };
const LEFT = 56;
const RIGHT = 20;
const TOP = 34;
const BOTTOM = 44;
const LEGEND = 56;

const COLORS: Readonly<Record<Rule, string>> = {
  "zero-fill": "#b3541e",
  overlap: "#8458b3",
  "senders-over-owners": "#0b66ad",
};

/** Ours goes underneath, wide and pale, where another rule is the same fold. */
const STROKES: Readonly<Record<Rule, { readonly width: number; readonly dashes: string }>> = {
  "senders-over-owners": { width: 5, dashes: "none" },
  "zero-fill": { width: 2, dashes: "none" },
  overlap: { width: 2, dashes: "6 4" },
};

/**
 * Of every regime the validation accuracy over the server rate, which shows what a rule can take; a ring stands at the
 * rate that was chosen, at the test accuracy, with a bar of its spread over the seeds. One SVG that needs nothing else.
 */
export function plotOf(rows: readonly Row[], title: string): string {
  const regimes = regimesOf(rows);
  const width = COLUMNS * PANEL.width;
  const height = LEGEND + Math.ceil(regimes.length / COLUMNS) * PANEL.height;
  const image = html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="12" fill="#1b1e21">
<rect width="${width}" height="${height}" fill="#fcfcfa"/>
<text x="${LEFT}" y="22" font-size="14" font-weight="600">${title}</text>
${legend()}
${regimes.map((regime, i) => {
  const x = (i % COLUMNS) * PANEL.width;
  const y = LEGEND + Math.floor(i / COLUMNS) * PANEL.height;
  return html`<g transform="translate(${x} ${y})">${panel(
    regime,
    rows.filter((row) => row.regime === regime),
  )}</g>`;
})}
</svg>
`;
  return image.markup;
}

const drawnFirst = (rules: readonly Rule[]): readonly Rule[] =>
  [...rules].sort((a, b) => STROKES[b].width - STROKES[a].width);

const legend = (): readonly Html[] =>
  ruleNames.map((rule, i) => {
    const x = LEFT + 190 * i;
    return html`<line x1="${x}" x2="${x + 28}" y1="40" y2="40" ${strokeOf(rule)}/>
<text x="${x + 36}" y="44">${rule}</text>`;
  });

function panel(regime: RegimeName, rows: readonly Row[]): Html {
  const rates = rows[0]!.tuning.map(({ serverRate }) => serverRate);
  const right = PANEL.width - RIGHT;
  const bottom = PANEL.height - BOTTOM;
  const x = (rate: number): number =>
    LEFT + 18 + ((right - LEFT - 36) * rates.indexOf(rate)) / Math.max(1, rates.length - 1);
  const values = rows.flatMap(({ tuning, accuracy }) => [...tuning.map((at) => at.accuracy), ...accuracy]);
  const y = linearScale([Math.min(...values), Math.max(...values)], [bottom, TOP], 5);
  const drawn = drawnFirst(ruleNames).flatMap((rule) => rows.filter((row) => row.rule === rule));
  return html`<text x="${LEFT}" y="20" font-weight="600">${regime}</text>
${y.ticks.map(
  (
    tick,
  ) => html`<line x1="${LEFT}" x2="${right}" y1="${y.place(tick)}" y2="${y.place(tick)}" stroke="#e4e5e2"/>
<text x="${LEFT - 8}" y="${y.place(tick) + 4}" text-anchor="end" fill="#5d646b">${percent(tick)}</text>`,
)}
${rates.map(
  (rate) =>
    html`<text x="${x(rate)}" y="${bottom + 18}" text-anchor="middle" fill="#5d646b">${String(rate)}</text>`,
)}
<text x="${(LEFT + right) / 2}" y="${bottom + 36}" text-anchor="middle" fill="#5d646b">server rate</text>
${drawn.map((row) => line(row, x, y))}
${drawn.map((row, i) => result(row, x(row.bestRate) + 7 * (i - 1), y))}`;
}

function line({ rule, tuning }: Row, x: (rate: number) => number, y: Scale): Html {
  const corners = tuning.map(
    ({ serverRate, accuracy }) => `${x(serverRate).toFixed(2)},${y.place(accuracy).toFixed(2)}`,
  );
  return html`<polyline points="${corners.join(" ")}" fill="none" stroke-linejoin="round" ${strokeOf(rule)}/>`;
}

/** Set aside a little, so that bars at one rate do not hide each other. */
function result({ rule, accuracy }: Row, x: number, y: Scale): Html {
  const [middle, around] = [mean(accuracy), spread(accuracy)];
  const color = COLORS[rule];
  return html`<line x1="${x}" x2="${x}" y1="${y.place(middle - around)}" y2="${y.place(middle + around)}" stroke="${color}"/>
<circle cx="${x}" cy="${y.place(middle)}" r="4.5" fill="#fcfcfa" stroke="${color}" stroke-width="2"><title>${rule}: ${percent(middle, 2)} ± ${percent(around, 2)}</title></circle>`;
}

function strokeOf(rule: Rule): Html {
  const { width, dashes } = STROKES[rule];
  return html`stroke="${COLORS[rule]}" stroke-width="${width}" stroke-dasharray="${dashes}" stroke-opacity="${width > 2 ? "0.45" : "1"}"`;
}

const percent = (share: number, digits = 0): string => `${Number((100 * share).toFixed(digits || 1))} %`;
