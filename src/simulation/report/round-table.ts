import { formatBytes, formatPercent } from "../../telemetry/format.ts";
import type { RoundPoint } from "../history.ts";
import { type Html, html } from "./html.ts";
import { times } from "./stage-chart.ts";

/** Every round with its own bytes and the run's so far. */
export function roundTable(rounds: readonly RoundPoint[]): Html {
  const rows = rounds.map((point, i) => {
    const before = rounds[i - 1]?.bytes ?? { uplink: 0, downlink: 0 };
    const { uplink, downlink, total, ratioTotal } = point.bytes;
    return html`<tr${point.abandoned ? html` class="abandoned"` : null}><td>${point.round}</td>
<td>${point.abandoned ? "abandoned" : point.version}</td>
<td>${point.accuracy === null ? "" : formatPercent(point.accuracy)}</td>
<td>${point.loss === null ? "" : point.loss.toFixed(4)}</td>
<td>${point.reports}</td>
<td>${formatBytes(uplink - before.uplink)}</td>
<td>${formatBytes(downlink - before.downlink)}</td>
<td>${formatBytes(total)}</td>
<td>${times(ratioTotal)}</td></tr>
`;
  });
  const heads = [
    "Round",
    "Version",
    "Accuracy",
    "Loss",
    "Reports",
    "Up",
    "Down",
    "Sent so far",
    "Less than dense",
  ];
  return html`<table><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead><tbody>
${rows}</tbody></table>`;
}
