import { parseArgs } from "node:util";
import { type DiskFigures, diskScenario } from "./disk-full.ts";
import { type FailpointFigures, failpointScenario } from "./failpoints.ts";
import { type KillFigures, killScenario } from "./kills.ts";
import { type LinkFigures, linkScenario, linkScenarios, type NatsProcess, natsScenario } from "./links.ts";
import type { RecoveryFigures } from "./recovery.ts";

/** What `npm run chaos` gives it; scripts/chaos.mjs says where from. */
export interface ChaosPorts {
  readonly out: (text: string) => void;
  readonly status: (text: string) => void;
  readonly signal: AbortSignal;
  readonly startNats: () => Promise<NatsProcess>;
}

export type Figures = KillFigures | FailpointFigures | DiskFigures | LinkFigures;

const scenarios = ["kills", "failpoints", "disk-full", "nats", "dropout", "latency", "slow"] as const;
type Name = (typeof scenarios)[number];

const usage = `usage: npm run chaos -- [--kills N] [--seed S] [--only NAME]... [--failpoints] [--recovery MS] [--json]
  --kills     kill -9 of coordinator or client, at random moments (default: 30)
  --seed      of the model, the data, and what is done to whom; not of the moments at which it hits (default: 1)
  --only      ${scenarios.join(", ")}; may be repeated (default: all)
  --failpoints
              kill -9 of coordinator and client at every failpoint of \`fedpress doctor --failpoints\`: --only failpoints
  --recovery  milliseconds that the coordinator may take from its start to the first check-in (default: 2000)
  --json      figures as JSON on stdout`;

/** 0 when nothing was found, 1 when something was, 2 for bad usage, 130 when interrupted. */
export async function chaosCommand(args: readonly string[], ports: ChaosPorts): Promise<number> {
  const { out, status, signal } = ports;
  const options = optionsOf(args);
  if (typeof options === "string") {
    out(`${options}\n${usage}`);
    return 2;
  }
  if (options === null) {
    out(usage);
    return 0;
  }
  const { kills, seed, recoveryMs, only, json } = options;
  const run: { readonly [name in Name]: () => Promise<Figures> } = {
    kills: () => killScenario({ kills, seed, recoveryMs, say: status, signal }),
    failpoints: () => failpointScenario({ seed, recoveryMs, say: status, signal }),
    "disk-full": () => diskScenario(seed, signal),
    nats: () => natsScenario(seed, ports.startNats, signal),
    dropout: () => linkScenario(linkScenarios.dropout, seed, signal),
    latency: () => linkScenario(linkScenarios.latency, seed, signal),
    slow: () => linkScenario(linkScenarios.slow, seed, signal),
  };
  const results: Figures[] = [];
  for (const name of only) {
    if (signal.aborted) break;
    status(`${name} ...`);
    const figures = await run[name]();
    results.push(figures);
    if (!json) out(describe(figures));
  }
  if (json) out(JSON.stringify({ seed, results }, null, 2));
  if (results.some(({ problems }) => problems.length > 0)) return 1;
  return signal.aborted ? 130 : 0;
}

function optionsOf(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        kills: { type: "string", default: "30" },
        seed: { type: "string", default: "1" },
        only: { type: "string", multiple: true, default: [] },
        recovery: { type: "string", default: "2000" },
        failpoints: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
        json: { type: "boolean", default: false },
      },
    });
    if (values.help) return null;
    const [kills, seed, recoveryMs] = [values.kills, values.seed, values.recovery].map(Number);
    if (!Number.isSafeInteger(kills) || kills! < 1) return `--kills ${values.kills}: expected 1 or more`;
    if (!Number.isInteger(seed) || seed! < 0 || seed! > 0xffffffff)
      return `--seed ${values.seed}: expected 0 to 4294967295`;
    if (!(recoveryMs! > 0)) return `--recovery ${values.recovery}: expected milliseconds above 0`;
    const unknown = values.only.find((name) => !scenarios.includes(name as Name));
    if (unknown !== undefined) return `--only ${unknown}: expected ${scenarios.join(", ")}`;
    const asked = [...values.only, ...(values.failpoints ? ["failpoints"] : [])];
    const only = asked.length === 0 ? scenarios : scenarios.filter((name) => asked.includes(name));
    return { kills: kills!, seed: seed!, recoveryMs: recoveryMs!, only, json: values.json };
  } catch (error) {
    return (error as Error).message;
  }
}

/** One line a scenario; after it what was found, and where to look. */
function describe(figures: Figures): string {
  const verdict = figures.problems.length === 0 ? "nothing found" : "FAILED";
  const lines = [`${figures.name.padEnd(10)} ${lineOf(figures)}; ${verdict}`];
  for (const problem of figures.problems) lines.push(`           ${problem}`);
  for (const folder of figures.folders) lines.push(`           its journal, states and config: ${folder}`);
  return lines.join("\n");
}

function lineOf(figures: Figures): string {
  switch (figures.name) {
    case "kills": {
      const { kills, linkFaults, runs, receipts } = figures;
      return (
        `${kills.coordinator + kills.client} kills (${kills.coordinator} of the coordinator), ${linkFaults} broken links, ` +
        `${runs} runs, ${receipts} receipts; ${recoveryOf(figures)}`
      );
    }
    case "failpoints": {
      const { deaths, runs, receipts } = figures;
      return (
        `${deaths.coordinator} deaths of the coordinator, ${deaths.client} of a client, ` +
        `${runs} runs, ${receipts} receipts; ${recoveryOf(figures)}`
      );
    }
    case "disk-full": {
      const { leftOut, fullMs, receipts } = figures;
      if (leftOut !== null) return `left out: ${leftOut}`;
      return `full for ${fullMs.toFixed(0)} ms, no receipt meanwhile, ${receipts} in all`;
    }
    default: {
      const { rounds, abandoned, seconds, receipts, bytes } = figures;
      const wire = bytes.up > 0 ? `, ${bytes.up} bytes up and ${bytes.down} down on the wire` : "";
      return `${rounds} rounds in ${seconds.toFixed(0)} s, ${abandoned} abandoned, ${receipts} receipts${wire}`;
    }
  }
}

const recoveryOf = ({ recoveryMs, listeningMs }: RecoveryFigures): string =>
  `the coordinator listened again after ${ms(listeningMs)}, had a check-in after ${ms(recoveryMs)}`;

const ms = ({ p50, max }: { readonly p50: number; readonly max: number }): string =>
  `${p50.toFixed(0)} ms (at most ${max.toFixed(0)})`;
