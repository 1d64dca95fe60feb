import { createConnection } from "node:net";
import { Argument, Command } from "commander";
import type { RunStatus } from "../coordinator/sessions/operator.ts";
import { ConfigError } from "../model/error.ts";
import { formatBytes, formatPercent } from "../telemetry/format.ts";
import { type ControlReply, type ControlRequest, controlPath } from "./control-socket.ts";

interface Options {
  readonly abandon?: boolean;
  readonly json?: boolean;
}

export const controlCommand = (): Command =>
  new Command("control")
    .description("ask a coordinator that runs for its status, or pause, resume or stop it")
    .argument("<dir>", "its coordinator.stateDir")
    .addArgument(new Argument("<command>").choices(["status", "pause", "resume", "stop"]))
    .option("--abandon", "pause: abandon the open round, instead of letting it finish")
    .option("--json", "print the status as JSON")
    .action(async (folder: string, command: ControlRequest["command"], { abandon, json }: Options) => {
      if (abandon && command !== "pause")
        throw new ConfigError([{ path: "--abandon", value: command, expected: "pause" }]);
      const status = await control(
        folder,
        command === "pause" ? { command, abandon: abandon === true } : { command },
      );
      process.stdout.write(`${json ? JSON.stringify(status) : describeStatus(status)}\n`);
    });

/** Asks the coordinator of a state folder; throws when there is none, or when it does not do it. */
export async function control(folder: string, request: ControlRequest): Promise<RunStatus> {
  const path = controlPath(folder);
  if (path === null)
    throw new ConfigError([
      {
        path: "dir",
        value: folder,
        expected: "a folder whose control.sock has a path of at most 100 bytes, from here or from the root",
      },
    ]);
  const reply = await ask(path, request);
  if (!reply.ok) throw new Error(reply.error);
  return reply.status;
}

function ask(path: string, request: ControlRequest): Promise<ControlReply> {
  return new Promise((resolve, reject) => {
    let text = "";
    const connection = createConnection(path, () => connection.write(`${JSON.stringify(request)}\n`));
    connection.setEncoding("utf8");
    connection.on("data", (data: string) => {
      text += data;
    });
    connection.on("end", () => {
      connection.end();
      if (text.endsWith("\n")) resolve(JSON.parse(text));
      else reject(new Error("the coordinator ended before it answered"));
    });
    connection.on("error", (error: NodeJS.ErrnoException) => {
      const isNobody = error.code === "ENOENT" || error.code === "ECONNREFUSED";
      reject(isNobody ? new Error(`no coordinator answers at ${path}`) : error);
    });
  });
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`;

export function describeStatus(status: RunStatus): string {
  const { runId, phase, paused, round, version, rounds, bytes } = status;
  const doing =
    phase === "reporting"
      ? `round ${round} is open: ${count(status.reports, "report")} of ${status.goal}, ${status.cohort} asked, ${status.refused} refused`
      : phase === "finished"
        ? "the run is over"
        : `no round is open, the last was ${round}`;
  return [
    `${runId}: ${paused ? "paused, " : ""}version ${version} of ${rounds}`,
    doing,
    `${count(status.clients, "client")}, ${status.waiting} waiting, ${count(status.late, "late report")} may still come`,
    `${formatBytes(bytes.uplink)} up, ${formatBytes(bytes.downlink)} down, ${formatPercent(status.dropOut)} expected to drop out`,
  ].join("\n");
}
