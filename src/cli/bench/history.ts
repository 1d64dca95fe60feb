import { availableParallelism, loadavg } from "node:os";
import type { Command } from "commander";
import { trainerPool } from "../../trainer/pool.ts";
import { interruptible } from "../exit.ts";
import { type FederationOptions, federationCommand, federationConfig } from "./federation.ts";
import { record } from "./history/record.ts";
import { coderNames, foldSpeed, type Replayed, replay } from "./history/replay.ts";

interface Row extends Replayed {
  readonly run: string;
  readonly direction: "uplink" | "downlink";
}

export const historyCommand = (): Command =>
  federationCommand("history", { model: "mlp-w0.25", rounds: 40, permille: 3 })
    .description(
      "positions and signs by what was broadcast before, beside coders without memory, on recorded federations",
    )
    .addHelpText("after", COLUMNS_HELP)
    .action(benchHistory);

const COLUMNS_HELP = `
Two federations on the built-in digits, Dirichlet 0.5, top-k ternary both ways with error feedback: 10 clients of which all
take part, and 100 of which 10 do. Their messages are coded over again, from the first round on:
  bytes a coder  of all payloads, heads and a bit a sign included, but for "and signs"
  history        over the bytes of golomb-rice
  + signs        the same, the signs coded by the history too
  shared         ideal bits of the positions by what was broadcast, over golomb-rice's
  + own          the same, knowing too what the client itself sent before: more than a history of its own could save
  M coords/s     that the history of a version is made of, the fastest turn`;

const FEDERATIONS = [
  { run: "10 clients, all", clients: 10 },
  { run: "100 clients, 10 %", clients: 100 },
] as const;
const TURNS = 30;

async function benchHistory({ json, ...options }: FederationOptions): Promise<void> {
  const trainer = await trainerPool(availableParallelism());
  const signal = interruptible();
  const rows: Row[] = [];
  let speed = 0;
  let length = 0;
  try {
    if (!json) process.stdout.write(`${HEAD}\n`);
    for (const { run, clients } of FEDERATIONS) {
      const recording = await record(federationConfig(clients, options), trainer, signal);
      ({ length } = recording.group);
      for (const direction of ["uplink", "downlink"] as const) {
        const row = { run, direction, ...replay(recording, direction) };
        rows.push(row);
        if (!json) process.stdout.write(`${lineOf(row)}\n`);
      }
      speed = Math.max(speed, foldSpeed(recording, TURNS));
    }
  } finally {
    await trainer.close();
  }
  const load = loadavg()[0];
  if (json) process.stdout.write(`${JSON.stringify({ load, ...options, length, speed, rows }, null, 2)}\n`);
  else process.stdout.write(`\n${length} coordinates, ${speed.toFixed(1)} M coords/s\n`);
}

const HEAD = [
  "federation".padEnd(18),
  "direction".padEnd(9),
  ...coderNames.map((name) => name.padStart(12)),
  "history".padStart(8),
  "+ signs".padStart(8),
  "shared".padStart(7),
  "+ own".padStart(7),
].join(" ");

function lineOf({ run, direction, bytes, sharedBits, privateBits, golombBits }: Row): string {
  const share = (bits: number | null): string => (bits === null ? "-" : (bits / golombBits).toFixed(3));
  return [
    run.padEnd(18),
    direction.padEnd(9),
    ...coderNames.map((name) => String(bytes[name]).padStart(12)),
    (bytes.history / bytes["golomb-rice"]).toFixed(3).padStart(8),
    (bytes["and signs"] / bytes["golomb-rice"]).toFixed(3).padStart(8),
    share(sharedBits).padStart(7),
    share(privateBits).padStart(7),
  ].join(" ");
}
