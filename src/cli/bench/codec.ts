import { loadavg } from "node:os";
import { Command } from "commander";
import { ConfigError } from "../../model/error.ts";
import { derive, gaussian } from "../../model/rng.ts";
import { readTrace } from "../../simulation/trace-files.ts";
import { nodeDisk } from "../node-disk.ts";
import { collect, positive } from "../options.ts";
import { benchCodecs } from "./codecs.ts";
import { type KernelRow, measureKernels } from "./kernels.ts";
import { type BenchInput, type CodecRow, measureCodec } from "./measure.ts";

interface Options {
  readonly trace?: string;
  readonly length: number;
  readonly codec: readonly string[];
  readonly turns: number;
  readonly json?: boolean;
}

export const codecCommand = (): Command =>
  new Command("codec")
    .description(
      "speed, size and distortion of the codecs, beside gzip and brotli, on a synthetic update and on recorded ones",
    )
    .option("--trace <dir>", "also the updates that `fedpress simulate --record` has written there")
    .option("--length <n>", "coordinates of the synthetic update", positive, 1_000_000)
    .option("--codec <name>", `only this one; may be repeated: ${names().join(", ")}`, collect, [])
    .option("--turns <n>", "turns after the warm-up, of which the median counts", positive, 7)
    .option("--json", "one JSON object on stdout")
    .addHelpText("after", COLUMNS_HELP)
    .action(benchCodec);

const COLUMNS_HELP = `
Columns:
  MB/s        10^6 bytes of float32 a second, encoded (in) and decoded (out)
  x copy      how often the same floats could be copied in memory meanwhile
  bits/coord  bits of the payload for each coordinate of the update
  x bound     bits over the order-0 entropy of the support and of the values' symbols; "-" where the symbols are too
              many for their frequencies to say something; below 1 where the support is not free (blocks, a seed)
  distortion  squared error over squared norm
Unless one codec was asked for, the loops that they are made of follow, on the synthetic update, the fastest run of each:
  M/s         10^6 of the unit a second
  x copy      how often as many bytes as it reads could be copied in memory meanwhile`;

async function benchCodec({ trace, length, codec, turns, json }: Options): Promise<void> {
  const asked = codec.length > 0 ? codec.map(known) : names();
  const inputs = [...(trace === undefined ? [] : await recorded(trace)), synthetic(length)];
  const rows: CodecRow[] = [];
  for (const input of inputs) {
    if (!json) process.stdout.write(`${headOf(input)}\n`);
    for (const name of asked) {
      const row = measureCodec(name, benchCodecs[name]!, input, turns);
      rows.push(row);
      if (!json) process.stdout.write(`${lineOf(row)}\n`);
    }
  }
  const kernels = codec.length > 0 ? [] : measureKernels(inputs.at(-1)!.vectors[0]!, turns);
  if (!json && kernels.length > 0)
    process.stdout.write(`\n${KERNELS_HEAD}\n${kernels.map(kernelLineOf).join("\n")}\n`);
  const described = inputs.map(({ name, vectors }) => ({ name, lengths: vectors.map((v) => v.length) }));
  if (json)
    process.stdout.write(
      `${JSON.stringify({ load: loadavg()[0], inputs: described, rows, kernels }, null, 2)}\n`,
    );
}

function names(): readonly string[] {
  return Object.keys(benchCodecs);
}

function known(name: string): string {
  if (Object.hasOwn(benchCodecs, name)) return name;
  throw new ConfigError([{ path: "--codec", value: name, expected: `one of ${names().join(", ")}` }]);
}

/** What went up, and what went down. */
async function recorded(folder: string): Promise<readonly BenchInput[]> {
  const vectors = await readTrace(nodeDisk(folder), folder);
  return (["uplink", "downlink"] as const).flatMap((name) => {
    const ofDirection = vectors.filter(({ direction }) => direction === name).map(({ data }) => data);
    return ofDirection.length === 0 ? [] : [{ name, vectors: ofDirection }];
  });
}

/** Heavy-tailed, as deltas are: Gaussian, of a standard deviation that is itself log-normal (sigma 1). */
function synthetic(length: number): BenchInput {
  const rng = derive(1, "bench codec");
  const vector = Float32Array.from({ length }, () => 1e-3 * gaussian(rng) * Math.exp(gaussian(rng)));
  return { name: "synthetic", vectors: [vector] };
}

function headOf({ name, vectors }: BenchInput): string {
  const coordinates = vectors.reduce((sum, { length }) => sum + length, 0);
  const what = `${vectors.length} ${vectors.length === 1 ? "vector" : "vectors"}, ${coordinates} coordinates`;
  const columns = cells(
    "encode",
    "copies",
    "decode",
    "copies",
    "bytes",
    "bits/coord",
    "x bound",
    "distortion",
  );
  return `\n${name}: ${what} MB/s of float32\n${"codec".padEnd(15)}${columns}`;
}

function lineOf(row: CodecRow): string {
  const columns = cells(
    row.encodeMBps.toFixed(1),
    row.encodeCopies.toFixed(1),
    row.decodeMBps.toFixed(1),
    row.decodeCopies.toFixed(1),
    String(row.bytes),
    row.bitsPerCoordinate.toFixed(3),
    row.overBound === null ? "-" : row.overBound.toFixed(4),
    row.distortion.toExponential(2),
  );
  return `${row.codec.padEnd(15)}${columns}  ${row.about}`;
}

const cells = (...texts: readonly string[]): string => texts.map((text) => text.padStart(11)).join("");

const KERNELS_HEAD = `${"kernel".padEnd(18)}${cells("ms", "M/s", "MB/s", "x copy")}`;

function kernelLineOf({ kernel, milliseconds, speed, MBps, copies, unit, about }: KernelRow): string {
  const columns = cells(milliseconds.toFixed(3), speed.toFixed(0), MBps.toFixed(0), copies.toFixed(1));
  return `${kernel.padEnd(18)}${columns}  ${unit}: ${about}`;
}
