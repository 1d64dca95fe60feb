import { loadavg } from "node:os";
import { Command, Option } from "commander";
import { ConfigError } from "../../model/error.ts";
import { collect, positive } from "../options.ts";
import { coordinatorRole } from "./coordinator/desk.ts";
import {
  type IdleFigures,
  type LinkFigures,
  type MemoryFigures,
  measureIdle,
  measureLink,
  measureMemory,
  measureReports,
  type ReportFigures,
} from "./coordinator/figures.ts";
import { clientsRole } from "./coordinator/fleet.ts";

interface Options {
  readonly only: readonly string[];
  readonly clients: number;
  readonly seconds: number;
  readonly rate: number;
  readonly rounds: number;
  readonly latency: number;
  readonly json?: boolean;
  readonly role?: "coordinator" | "clients";
}

interface Results {
  idle?: IdleFigures;
  reports?: ReportFigures;
  saturated?: ReportFigures;
  dense?: ReportFigures;
  link?: LinkFigures;
  memory?: MemoryFigures;
}

const parts = ["idle", "reports", "dense", "link", "memory"] as const;
type Part = (typeof parts)[number];

export const coordinatorBench = (): Command =>
  new Command("coordinator")
    .description("load on a coordinator: gRPC from another process, every receipt after its flush to disk")
    .option("--only <part>", `only this one; may be repeated: ${parts.join(", ")}`, collect, [])
    .option("--clients <n>", "idle clients", positive, 10_000)
    .option("--seconds <n>", "of each measurement of reports", positive, 10)
    .option("--rate <n>", "reports a second that latencies are measured at", positive, 1000)
    .option("--rounds <n>", "over which memory is watched", positive, 200)
    .option("--latency <ms>", "of the long link, one way", positive, 50)
    .option("--json", "one JSON object on stdout")
    .addOption(new Option("--role <role>").choices(["coordinator", "clients"]).hideHelp())
    .addHelpText("after", LINES_HELP)
    .action(benchCoordinator);

const LINES_HELP = `
Lines:
  idle       clients that are connected, checked in and wait: memory of the coordinator each, and of the kernel for both
             ends together
  reports    of 2 KiB, from 64 clients at --rate: acknowledged a second, and milliseconds to the receipt
  saturated  the same from 256 clients, as fast as it goes
  dense      4 MB of float32 a report, from 4 clients
  link       one client with 4 MB each way over a link with --latency, beside grpc-js' own window
  memory     of the coordinator over --rounds rounds of 20 clients`;

async function benchCoordinator(options: Options): Promise<void> {
  if (options.role === "coordinator") return await coordinatorRole();
  if (options.role === "clients") return await clientsRole();
  const asked = options.only.length > 0 ? options.only.map(known) : parts;
  const { seconds, rate } = options;
  const results: Results = {};
  const say = (line: string): void => void (options.json || process.stdout.write(`${line}\n`));

  if (asked.includes("idle")) {
    results.idle = await measureIdle(fitting(options.clients));
    say(idleLine(results.idle));
  }
  if (asked.includes("reports")) {
    results.reports = await measureReports({ clients: 64, params: 512, goal: 64, rate, seconds });
    say(reportLine("reports", results.reports));
    results.saturated = await measureReports({ clients: 256, params: 512, goal: 256, rate: null, seconds });
    say(reportLine("saturated", results.saturated));
  }
  if (asked.includes("dense")) {
    results.dense = await measureReports({ clients: 4, params: 2 ** 20, goal: 4, rate: null, seconds });
    say(reportLine("dense", results.dense));
  }
  if (asked.includes("link")) {
    results.link = await measureLink(options.latency, seconds);
    say(linkLine(results.link));
  }
  if (asked.includes("memory")) {
    results.memory = await measureMemory(20, options.rounds);
    say(memoryLine(results.memory));
  }
  if (options.json) process.stdout.write(`${JSON.stringify({ load: loadavg()[0], ...results }, null, 2)}\n`);
}

function known(name: string): Part {
  const part = parts.find((one) => one === name);
  if (part !== undefined) return part;
  throw new ConfigError([{ path: "--only", value: name, expected: `one of ${parts.join(", ")}` }]);
}

/** Besides its sockets a process has files, pipes and threads open. */
const OTHER_DESCRIPTORS = 100;

/** As many as this process, and those it starts, may have open. */
function fitting(clients: number): number {
  const report = process.report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly soft: number | string } };
  };
  const limit = Number(report.userLimits?.open_files?.soft ?? Number.POSITIVE_INFINITY); // NaN: unlimited
  if (!(limit < clients + OTHER_DESCRIPTORS)) return clients;
  const fit = Math.max(1, limit - OTHER_DESCRIPTORS);
  process.stderr.write(
    `ulimit -n is ${limit}: room for ${fit} of ${clients} clients; ` +
      `raise it to ${clients + OTHER_DESCRIPTORS} for all of them\n`,
  );
  return fit;
}

const KiB = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;
const head = (name: string): string => name.padEnd(10);

const idleLine = (idle: IdleFigures): string =>
  `${head("idle")} ${idle.clients} clients, ${KiB(idle.rssBytesEach)} each ` +
  `(heap ${KiB(idle.heapBytesEach)}, buffers ${KiB(idle.externalBytesEach)}` +
  `${idle.kernelBytesEach === null ? "" : `; in the kernel ${KiB(idle.kernelBytesEach)}`}), ` +
  `connected in ${idle.connectSeconds.toFixed(1)} s, then ${(100 * idle.idleCpuShare).toFixed(1)} % of a core`;

const reportLine = (name: string, one: ReportFigures): string =>
  `${head(name)} ${one.clients} clients, ${one.frameBytes.toFixed(0)} bytes a report: ` +
  `${one.reportsPerSecond.toFixed(0)} reports/s, ${one.MBps.toFixed(1)} MB/s, ` +
  `p50 ${one.p50Ms.toFixed(1)} ms, p99 ${one.p99Ms.toFixed(1)} ms, ${one.cpuMsEach.toFixed(2)} ms of CPU each`;

const linkLine = (link: LinkFigures): string =>
  `${head("link")} ${link.latencyMs} ms one way: up ${link.upMBps.toFixed(1)} MB/s ` +
  `(${link.stockUpMBps.toFixed(1)} with a window of 64 KiB), down ${link.downMBps.toFixed(1)} MB/s`;

const memoryLine = (memory: MemoryFigures): string =>
  `${head("memory")} ${memory.rounds} rounds of ${memory.clients} clients: ` +
  `${memory.rssMiBPer100Rounds.toFixed(2)} MiB per 100 rounds resident, ` +
  `${memory.heapMiBPer100Rounds.toFixed(2)} on the heap`;
