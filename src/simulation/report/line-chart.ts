import { type Html, html } from "./html.ts";
import { linearScale, logScale, type Scale } from "./scale.ts";

interface Point {
  readonly x: number;
  /** 0 to 1. */
  readonly y: number;
  /** Shown when the pointer rests on it. */
  readonly title: string;
}

export interface Series {
  readonly name: string;
  readonly className: string;
  /** At least one, in the order of x. */
  readonly points: readonly Point[];
}

export interface LineChartOptions {
  readonly width: number;
  readonly height: number;
  /** What the picture says, for those who cannot see it. */
  readonly description: string;
  readonly xLabel: string;
  readonly xLog: boolean;
  /** On a linear axis. */
  readonly numTicks?: number;
  readonly formatX: (value: number) => string;
  readonly formatTick: (value: number) => string;
  readonly formatY: (value: number) => string;
  readonly series: readonly Series[];
  /** Marks where each series first reaches this y. */
  readonly threshold: number | null;
  /** Says how far apart two such places are. */
  readonly compare: ((near: number, far: number) => string) | null;
}

const LEFT = 52;
const RIGHT = 118;
const TOP = 14;
const BOTTOM = 46;
const LINE = 16;
const NOTE = 64; // about the width of a short note
const MAX_DOTS = 60;

/** Shares over bytes or rounds; every line carries its name at its end, so there is no legend to look up. */
export function lineChart(options: LineChartOptions): Html {
  const { width, height, description, xLabel, series, threshold } = options;
  const right = width - RIGHT;
  const bottom = height - BOTTOM;
  const xs = series.flatMap(({ points }) => points.map(({ x }) => x));
  const ys = series.flatMap(({ points }) => points.map(({ y }) => y));
  const domain = [Math.min(...xs), Math.max(...xs)] as const;
  const x = options.xLog
    ? logScale(domain, [LEFT, right])
    : linearScale(domain, [LEFT, right], options.numTicks ?? 8);
  const y = linearScale([Math.min(...ys, 0.9), 1], [bottom, TOP], 6);
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${description}">
${grid(options, x, y, right, bottom)}
<text class="axis" x="${(LEFT + right) / 2}" y="${height - 6}" text-anchor="middle">${xLabel}</text>
${threshold === null ? null : crossings(options, threshold, x, y, right, bottom)}
${series.map((line) => path(line, x, y))}
${endLabels(options, x, y)}
</svg>`;
}

function grid(
  { formatTick, formatY }: LineChartOptions,
  x: Scale,
  y: Scale,
  right: number,
  bottom: number,
): Html {
  const rows = y.ticks.map((tick) => {
    const at = y.place(tick);
    return html`<line class="grid" x1="${LEFT}" x2="${right}" y1="${at}" y2="${at}"/>
<text class="tick" x="${LEFT - 8}" y="${at + 4}" text-anchor="end">${formatY(tick)}</text>`;
  });
  const columns = x.ticks.map((tick) => {
    const at = x.place(tick);
    return html`<line class="mark" x1="${at}" x2="${at}" y1="${bottom}" y2="${bottom + 5}"/>
<text class="tick" x="${at}" y="${bottom + 20}" text-anchor="middle">${formatTick(tick)}</text>`;
  });
  return html`${rows}<line class="base" x1="${LEFT}" x2="${right}" y1="${bottom}" y2="${bottom}"/>${columns}`;
}

function path({ className, points }: Series, x: Scale, y: Scale): Html {
  const corners = points.map((point) => `${x.place(point.x).toFixed(2)},${y.place(point.y).toFixed(2)}`);
  const radius = points.length > MAX_DOTS ? 1 : 2.5;
  const dots = points.map(
    (point, i) =>
      html`<circle cx="${x.place(point.x)}" cy="${y.place(point.y)}" r="${i === points.length - 1 ? 4 : radius}"><title>${point.title}</title></circle>`,
  );
  return html`<g class="series ${className}"><polyline points="${corners.join(" ")}"/>${dots}</g>`;
}

/** Name and last value, right of the line's end; pushed apart where two lines end together. */
function endLabels({ series, formatY }: LineChartOptions, x: Scale, y: Scale): readonly Html[] {
  const labels = series
    .map(({ name, className, points }) => {
      const last = points.at(-1)!;
      return { name, className, value: formatY(last.y), x: x.place(last.x) + 10, y: y.place(last.y) - 3 };
    })
    .sort((a, b) => a.y - b.y);
  const [upper, lower] = labels;
  const tight = 2 * LINE + 4;
  if (upper && lower && Math.abs(upper.x - lower.x) < RIGHT && lower.y - upper.y < tight) {
    upper.y = Math.max(TOP + 4, (upper.y + lower.y - tight) / 2);
    lower.y = upper.y + tight;
  }
  return labels.map(
    (label) => html`<text class="name ${label.className}" x="${label.x}" y="${label.y}">${label.name}</text>
<text class="value ${label.className}" x="${label.x}" y="${label.y + LINE}">${label.value}</text>`,
  );
}

/** The threshold, and a plumb line from where each series first reaches it. */
function crossings(
  { series, formatX, formatY, compare }: LineChartOptions,
  threshold: number,
  x: Scale,
  y: Scale,
  right: number,
  bottom: number,
): Html {
  const level = y.place(threshold);
  const found = series
    .flatMap(({ className, points }) => {
      const first = points.find((point) => point.y >= threshold);
      return first === undefined
        ? []
        : [{ className, value: first.x, at: x.place(first.x), top: y.place(first.y) }];
    })
    .sort((a, b) => a.at - b.at);
  const [near, far] = found;
  const plumbs = found.map(({ className, at, top, value }, i) => {
    const leftward = found.length === 2 && i === 0; // away from the other one
    const cramped = leftward && at - LEFT < NOTE;
    const [offset, anchor] = leftward && !cramped ? [-7, "end"] : [7, "start"];
    return html`<line class="plumb ${className}" x1="${at}" x2="${at}" y1="${top}" y2="${bottom}"/>
<text class="note ${className}" x="${at + offset}" y="${bottom - (cramped ? 10 + 2 * LINE : 10)}" text-anchor="${anchor}">${formatX(value)}</text>`;
  });
  const saves = compare !== null && near !== undefined && near.className === series[0]!.className;
  const apart =
    saves && far !== undefined && far.at - near.at > 2 * NOTE
      ? html`<line class="span" x1="${near.at + 4}" x2="${far.at - 4}" y1="${bottom - 15}" y2="${bottom - 15}"/>
<text class="strong" x="${(near.at + far.at) / 2}" y="${bottom - 22}" text-anchor="middle">${compare(near.value, far.value)}</text>`
      : null;
  const onTick = y.ticks.some((tick) => Math.abs(tick - threshold) < 1e-9);
  const label = html`<text class="note" x="${LEFT + 6}" y="${level - 6}">${formatY(threshold)}</text>`;
  return html`<line class="threshold" x1="${LEFT}" x2="${right}" y1="${level}" y2="${level}"/>
${onTick ? null : label}${plumbs}${apart}`;
}
