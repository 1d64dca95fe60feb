import { createRequire } from "node:module";
import { availableParallelism, totalmem } from "node:os";
import { Command } from "commander";
import { connectNats } from "../telemetry/nats.ts";
import { parseNatsUrl } from "../telemetry/nats-url.ts";
import type { EngineName } from "../trainer/choice.ts";
import { automaticEngine, type EngineReport, probeEngines } from "../trainer/engines.ts";
import { exitCodes } from "./exit.ts";
import { describeFailpoints } from "./failpoint/failpoint.ts";

interface Diagnosis {
  readonly ok: boolean;
  readonly node: { readonly version: string; readonly supported: boolean };
  readonly cores: number;
  readonly memoryBytes: number;
  /** What `--engine auto` would train with, and why; null when nothing can. */
  readonly engine: EngineName | null;
  readonly why: string;
  readonly engines: readonly EngineReport[];
  readonly optionalPackages: readonly {
    readonly name: string;
    readonly installed: boolean;
    readonly use: string;
  }[];
  /** Null when no address was given. */
  readonly nats: { readonly reachable: boolean; readonly detail: string } | null;
}

export const doctorCommand = (): Command =>
  new Command("doctor")
    .description("say which training engine would be used and why, and what else this machine has")
    .option("--nats <url>", "also try to reach this nats-server")
    .option("--failpoints", "list where tests can have a process die, and nothing else")
    .option("--json", "one JSON object on stdout")
    .action(async ({ nats, failpoints, json }: { nats?: string; failpoints?: boolean; json?: boolean }) => {
      if (failpoints) return void process.stdout.write(`${describeFailpoints()}\n`);
      const diagnosis = await diagnose(nats ?? null);
      process.stdout.write(json ? `${JSON.stringify(diagnosis, null, 2)}\n` : describe(diagnosis));
      process.exitCode = diagnosis.ok ? exitCodes.done : exitCodes.failed;
    });

async function diagnose(natsUrl: string | null): Promise<Diagnosis> {
  const nats = natsUrl === null ? null : await tryNats(natsUrl);
  const engines = await probeEngines();
  const engine = automaticEngine(engines);
  const supported = isSupported(process.versions.node);
  return {
    ok: supported && engine !== null && nats?.reachable !== false,
    node: { version: process.versions.node, supported },
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    engine,
    why: whyOf(engine, engines),
    engines,
    optionalPackages: [
      { name: "mnist", installed: isInstalled("mnist/package.json"), use: "digits for the demo" },
      {
        name: "@tensorflow/tfjs-node",
        installed: isInstalled("@tensorflow/tfjs-node"),
        use: "--engine node",
      },
    ],
    nats,
  };
}

function whyOf(engine: EngineName | null, engines: readonly EngineReport[]): string {
  if (engine === "wasm") return "WebAssembly opens, with our kernels in place of tfjs's";
  const wasm = engines.find(({ name }) => name === "wasm")?.reason;
  return engine === null
    ? "no engine opens"
    : `WebAssembly does not open (${wasm}); plain JavaScript is some hundred times slower`;
}

/** From 20.19 on, as package.json asks. */
function isSupported(version: string): boolean {
  const [major, minor] = version.split(".").map(Number) as [number, number];
  return major > 20 || (major === 20 && minor >= 19);
}

function isInstalled(path: string): boolean {
  try {
    createRequire(import.meta.url).resolve(path);
    return true;
  } catch {
    return false;
  }
}

async function tryNats(url: string): Promise<Diagnosis["nats"]> {
  const address = parseNatsUrl(url, "--nats");
  try {
    const link = await connectNats(address, 3_000, new AbortController().signal);
    await link.close();
    return { reachable: true, detail: address.shown };
  } catch (error) {
    return { reachable: false, detail: `${address.shown}: ${(error as Error).message}` };
  }
}

function describe({
  node,
  cores,
  memoryBytes,
  engine,
  why,
  engines,
  optionalPackages,
  nats,
}: Diagnosis): string {
  const lines = [
    `node      ${node.version}${node.supported ? "" : ", needs 20.19 or later"}`,
    `machine   ${cores} cores, ${(memoryBytes / 2 ** 30).toFixed(1)} GiB`,
    `engine    ${engine ?? "none"}: ${why}`,
    ...engines.map(({ name, reason }) => `          ${name.padEnd(4)}  ${reason ?? "opens"}`),
    ...optionalPackages.map(
      ({ name, installed, use }) =>
        `optional  ${name}: ${installed ? "installed" : "not installed"} (${use})`,
    ),
  ];
  if (nats) lines.push(`nats      ${nats.reachable ? "reached" : "not reached"}: ${nats.detail}`);
  return `${lines.join("\n")}\n`;
}
