import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeDisk } from "../../src/cli/node-disk.ts";
import type { RunStatus } from "../../src/coordinator/sessions/operator.ts";
import { fedpress, scratch } from "./processes.ts";

/** An operator pauses, resumes and stops a coordinator that is killed in between. */
test("paused by an operator a run stays so over a kill -9; resumed it goes on; stopped it ends cleanly", async () => {
  const folder = scratch();
  const stateDir = join(folder, "state");
  const start = (port: string) =>
    fedpress(
      ...["coordinator", "examples/three-clients.yaml", "--json", "--out", join(folder, "run")],
      ...[
        `coordinator.stateDir=${stateDir}`,
        `coordinator.listen=127.0.0.1:${port}`,
        "telemetry.nats=null",
        "distill=null",
        "rounds=1000",
        "cohort.goal=1",
        "cohort.minimum=1",
      ].flatMap((assignment) => ["--set", assignment]),
    );
  const ask = async (...args: string[]): Promise<RunStatus> => {
    const command = fedpress("control", stateDir, ...args, "--json");
    expect(await command.exit, command.stderr()).toBe(0);
    return JSON.parse(command.stdout());
  };

  const first = start("0");
  const port = (await first.waitFor(/listening on [^ ]*:(\d+)/))[1]!;
  const client = fedpress(
    ...["client", "--coordinator", `127.0.0.1:${port}`, "--state", join(folder, "client")],
    ...["--data", "mnist:1/10?dirichlet=0.5&seed=1&holdout=0.2"],
  );
  await first.waitFor(/round +2\//);
  expect((await ask("pause", "--abandon")).paused).toBe(true);
  await first.waitFor(/paused/);
  const { version } = await ask("status");
  expect(await first.kill("SIGKILL")).toBe(137);

  const second = start(port);
  await second.waitFor(/listening/);
  await second.waitFor(/^\+ /m); // the client has checked in, and waits
  expect(await ask("status")).toMatchObject({ paused: true, phase: "selecting", version, clients: 1 });
  expect((await ask("resume")).paused).toBe(false);
  await second.waitFor(new RegExp(`v${version + 2}\\b`));
  await ask("stop");
  expect(await second.exit).toBe(130);
  expect(second.stderr()).toContain("stopped by an operator");
  expect(await client.kill("SIGTERM")).toBe(130);
  const nobody = fedpress("control", stateDir, "status");
  expect(await nobody.exit).toBe(1);
  expect(nobody.stderr()).toContain("no coordinator answers at");
});

test("a coordinator whose folder another has taken over ends, though it had nothing to write", async () => {
  const stateDir = join(scratch(), "state");
  const coordinator = fedpress(
    ...["coordinator", "examples/three-clients.yaml", "--out", join(stateDir, "run")],
    ...[`coordinator.stateDir=${stateDir}`, "coordinator.listen=127.0.0.1:0", "telemetry.nats=null"].flatMap(
      (assignment) => ["--set", assignment],
    ),
  );
  await coordinator.waitFor(/listening/);
  const other = nodeDisk(stateDir);
  expect(await other.create("epoch-00000002", new Uint8Array())).toBe(true);
  await other.remove(["epoch-00000001"]);
  expect(await coordinator.exit).toBe(1);
  expect(coordinator.stderr()).toContain("another coordinator has taken this journal over");
});
