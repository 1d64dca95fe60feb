import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { countingProxy } from "../coordinator/grpc/kit.ts";
import { fedpress, type Process, scratch } from "./processes.ts";

// Real client processes that are asked to end.

const sets = [
  ...["rounds=2", "data=null", "distill=null", "telemetry.nats=null", "coordinator.listen=127.0.0.1:0"],
  ...["cohort.goal=1", "cohort.minimum=1", "cohort.reportDeadline=10m"],
];

function coordinator(folder: string): Process {
  const all = [...sets, `coordinator.stateDir=${join(folder, "coordinator")}`];
  const settings = all.flatMap((assignment) => ["--set", assignment]);
  return fedpress(
    ...["coordinator", "examples/three-clients.yaml", ...settings],
    ...["--out", join(folder, "run"), "--json"],
  );
}

const portOf = async (process: Process): Promise<string> =>
  (await process.waitFor(/listening on [^ ]*:(\d+)/))[1]!;

/** With an id of its own making, so that two runs are of the same client. */
function stateOf(folder: string): string {
  const state = join(folder, "client");
  mkdirSync(state);
  writeFileSync(join(state, "client-id"), "the-client\n");
  return state;
}

const client = (port: string | number, state: string, ...more: string[]): string[] => [
  ...["client", "--coordinator", `127.0.0.1:${port}`, "--state", state],
  ...["--data", "mnist:1/10?dirichlet=0.5&seed=1&holdout=0.2", ...more],
];

test("SIGTERM: a report on its way has its grace, then the state is left for the next start; twice is at once", async () => {
  const folder = scratch();
  const state = stateOf(folder);
  const server = coordinator(folder);
  const port = await portOf(server);
  const proxy = await countingProxy(Number(port));
  const proxied = proxy.address.split(":")[1]!;
  for (const [drain, signals] of [
    ["300ms", 1],
    ["1h", 2],
  ] as const) {
    const one = fedpress(...client(proxied, state, "--drain", drain));
    // once it has its model, what it sends stays on its way
    if (signals === 1) await one.waitFor(/model at version 0/);
    else await one.waitFor(/examples, coordinator/);
    proxy.freeze();
    if (signals === 1) await one.waitFor(/steps, loss/);
    one.child.kill("SIGTERM");
    await one.waitFor(/SIGTERM: ending cleanly/);
    if (signals === 2) one.child.kill("SIGTERM");
    expect(await one.exit, one.stderr()).toBe(130);
    proxy.cut();
  }
  const next = fedpress(...client(port, state));
  expect(await server.exit, server.stderr()).toBe(0);
  expect(await next.exit, next.stderr()).toBe(0);
  // what had been trained before was sent, and not trained again
  expect(next.stderr()).toMatch(/report of .* journaled[\s\S]*task on version 1/);
  expect(next.stderr()).not.toMatch(/task on version 0/);
});
