import { execFileSync } from "node:child_process";
import { loadavg } from "node:os";
import { Command, Option } from "commander";
import type { StrategyName } from "../../aggregation/strategy.ts";
import { ConfigError } from "../../model/error.ts";
import { collect, positive } from "../options.ts";
import { type FoldCase, type FoldCodec, type FoldRow, foldCodecs, measureFold } from "./fold.ts";
import { pythonWith, runPython } from "./python.ts";
import {
  measureRobust,
  ROBUST_HEAD,
  type RobustCase,
  type RobustRow,
  robustLine,
  robustNames,
} from "./robust.ts";

interface Options {
  readonly codec: readonly string[];
  readonly rule: readonly string[];
  readonly memory: number;
  readonly clients: readonly string[];
  readonly params: readonly string[];
  readonly json?: boolean;
  readonly one?: string;
}

interface Row extends FoldRow {
  /** Blocked numpy on dense float32, of as many clients and coordinates; null without python3-numpy. */
  readonly numpyGBps: number | null;
  readonly overNumpy: number | null;
  readonly foldOverNumpy: number | null;
}

export const aggregateCommand = (): Command =>
  new Command("aggregate")
    .description("how fast updates become one, beside a plain loop, a copy in memory and blocked numpy")
    .option("--codec <name>", `only this one; may be repeated: ${names().join(", ")}`, collect, [])
    .option("--clients <n>", "updates of a round; may be repeated (default: 10, 100, 1000)", collect, [])
    .option("--params <n>", "coordinates; may be repeated (default: 1000000, 10000000)", collect, [])
    .option("--rule <name>", `a robust fold instead; may be repeated: ${robustNames.join(", ")}`, collect, [])
    .option("--memory <MB>", "for a robust fold and its round's reports", positive, 1074)
    .option("--json", "one JSON object on stdout")
    .addOption(new Option("--one <case>").hideHelp())
    .addHelpText("after", COLUMNS_HELP)
    .action(benchAggregate);

const COLUMNS_HELP = `
Columns (GB/s: 10^9 bytes of the float32 that the updates stand for, a second):
  seconds   from payloads to the mean delta: decoding, the checks of range and norm, exact fold, mean
  GB/s      of that
  fold      of the fold alone, from decoded updates
  loop      a plain JavaScript loop over dense float32
  copy      a copy in memory
  numpy     blocked numpy over dense float32, where python3 has it; x numpy is GB/s over that, and fold over that
  peak MB   resident memory above what it was before the first update
With --rule, the fold at the close of a round, in --memory that holds the reports' payloads too:
  seconds   of the processor, from payloads to the delta; decoding is a part of it
  passes    how often each payload is decoded
  peak MB   beside the payloads`;

function benchAggregate({ codec, rule, memory, clients, params, json, one }: Options): void {
  if (one !== undefined) {
    const asked: FoldCase | RobustCase = JSON.parse(one);
    process.stdout.write(JSON.stringify("rule" in asked ? measureRobust(asked) : measureFold(asked)));
    return;
  }
  const codecs = codec.length > 0 ? codec.map(known) : names();
  const counts = (clients.length > 0 ? clients : ["10", "100", "1000"]).map(positive);
  const sizes = (params.length > 0 ? params : ["1000000", "10000000"]).map(positive);
  if (rule.length > 0) {
    const cases = rule.map(robustNamed).flatMap((strategy) =>
      sizes.flatMap((size) =>
        counts.flatMap((count) =>
          codecs.map((name) => ({
            rule: strategy,
            codec: name,
            clients: count,
            params: size,
            megabytes: memory,
          })),
        ),
      ),
    );
    benchRobust(cases, json);
    return;
  }
  const python = pythonWith("numpy");
  const rows: Row[] = [];
  if (!json) process.stdout.write(`${HEAD}\n`);
  for (const size of sizes)
    for (const count of counts) {
      const numpyGBps =
        python === null
          ? null
          : (4 * count * size) / 1e9 / Number(runPython(python, "numpy_mean.py", [count, size]));
      for (const name of codecs) {
        const row = withNumpy(inChild<FoldRow>({ codec: name, clients: count, params: size }), numpyGBps);
        rows.push(row);
        if (!json) process.stdout.write(`${lineOf(row)}\n`);
      }
    }
  if (json) process.stdout.write(`${JSON.stringify({ load: loadavg()[0], rows }, null, 2)}\n`);
}

function benchRobust(cases: readonly RobustCase[], json = false): void {
  if (!json) process.stdout.write(`${ROBUST_HEAD}\n`);
  const rows = cases.map((robustCase) => {
    const row = inChild<RobustRow>(robustCase);
    if (!json) process.stdout.write(`${robustLine(row)}\n`);
    return row;
  });
  if (json) process.stdout.write(`${JSON.stringify({ load: loadavg()[0], rows }, null, 2)}\n`);
}

/** In a process of its own, so that one case's memory is not counted as another's. */
function inChild<Row>(asked: FoldCase | RobustCase): Row {
  const args = [process.argv[1]!, "bench", "aggregate", "--one", JSON.stringify(asked)];
  return JSON.parse(
    execFileSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }),
  );
}

const withNumpy = (row: FoldRow, numpyGBps: number | null): Row => ({
  ...row,
  numpyGBps,
  overNumpy: numpyGBps && row.GBps / numpyGBps,
  foldOverNumpy: numpyGBps && row.foldGBps / numpyGBps,
});

function names(): readonly FoldCodec[] {
  return Object.keys(foldCodecs) as FoldCodec[];
}

function known(name: string): FoldCodec {
  if (Object.hasOwn(foldCodecs, name)) return name as FoldCodec;
  throw new ConfigError([{ path: "--codec", value: name, expected: `one of ${names().join(", ")}` }]);
}

function robustNamed(name: string): StrategyName {
  const found = robustNames.find((one) => one === name);
  if (found !== undefined) return found;
  throw new ConfigError([{ path: "--rule", value: name, expected: `one of ${robustNames.join(", ")}` }]);
}

const cells = (...texts: readonly string[]): string => texts.map((text) => text.padStart(9)).join("");

const HEAD = `${"codec".padEnd(10)}${cells("clients", "params", "seconds", "GB/s", "fold", "loop", "copy", "numpy", "x numpy", "x numpy", "peak MB")}`;

function lineOf(row: Row): string {
  const shown = (value: number | null): string => (value === null ? "-" : value.toFixed(2));
  return `${row.codec.padEnd(10)}${cells(
    String(row.clients),
    row.params.toExponential(0),
    row.seconds.toFixed(3),
    shown(row.GBps),
    shown(row.foldGBps),
    shown(row.loopGBps),
    shown(row.copyGBps),
    shown(row.numpyGBps),
    shown(row.overNumpy),
    shown(row.foldOverNumpy),
    row.peakMB.toFixed(0),
  )}`;
}
