import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { failpoints } from "../../src/cli/failpoint/failpoint.ts";
import type { Summary } from "../../src/simulation/summary.ts";
import { type Chains, groupsOf, placesOf, tellRecoveries } from "./failpoint-groups.ts";
import { clientIdOf, newRun, PATIENCE, runToTheEnd } from "./killed-run.ts";
import { fedpress } from "./processes.ts";

// A real client is killed at every failpoint; FEDPRESS_FAILPOINTS=each gives each a run of its own.

const chains: Chains = {
  short: [
    ["load:1:after", "check-in:1:after", "download:1:after", "save:1:torn", "save-report:1:torn"],
    ["upload:1:torn", "inquire:1:after", "upload:1:after", "save-verdict:1:torn"],
  ],
  all: [
    [
      "load:1:before",
      "load:1:after",
      "check-in:1:before",
      "check-in:1:after",
      "download:1:before",
      "download:1:after",
    ],
    [
      "save:1:before",
      "save:1:torn",
      "save:1:after",
      "save-report:1:before",
      "save-report:1:torn",
      "save-report:1:after",
    ],
    [
      "upload:1:before",
      "upload:1:torn",
      "upload:1:after",
      "save-verdict:1:before",
      "save-verdict:1:torn",
      "save-verdict:1:after",
    ],
    ["upload:1:before", "inquire:1:before", "inquire:1:after", "upload:2:after", "inquire:1:after"],
  ],
};

let undisturbed: Summary["model"] | null = null;

async function modelUndisturbed(): Promise<Summary["model"]> {
  undisturbed ??= (await runToTheEnd(await newRun(), {})).model;
  return undisturbed;
}

/** Only who has a report from the life before asks about it. */
const alone = (life: string) => (life.startsWith("inquire") ? ["upload:1:before", life] : [life]);

for (const lives of groupsOf(chains, alone))
  test(
    `a client killed at ${lives.join(", ")}: the model is that of an undisturbed run`,
    PATIENCE,
    async () => {
      const whole = await modelUndisturbed();
      const run = await newRun();
      const { model, recoveries } = await runToTheEnd(run, { client: lives });
      tellRecoveries(recoveries);
      expect(model).toEqual(whole);
      expect(run.clientState(0).pending).toBeNull();
      expect(readdirSync(join(run.folder, clientIdOf(0))).filter((name) => name.endsWith(".tmp"))).toEqual(
        [],
      );
    },
  );

test(
  "killed when it was told of the end, a client hears of it again, and of its verdict but once",
  PATIENCE,
  async () => {
    const run = await newRun({ rounds: 2 });
    const server = run.coordinator();
    await server.waitFor(/listening on/);
    const clients = [run.client(0, "end:1:before"), run.client(1), run.client(2)];
    expect(await clients[0]!.exit, clients[0]!.stderr()).toBe(137);
    expect(await server.exit, server.stderr()).toBe(0);
    expect(run.clientState(0).pending).toBeNull();
    const again = run.coordinator();
    await again.waitFor(/listening on/);
    const next = run.client(0);
    expect(await next.exit, next.stderr()).toBe(0);
    expect(next.stderr()).not.toMatch(/report folded/);
    again.child.kill("SIGTERM"); // it waits for others, who have heard
    expect(await again.exit, again.stderr()).toBe(0);
  },
);

test("every failpoint of a client has a test", () => {
  for (const which of ["short", "all"] as const)
    expect(placesOf([...chains[which], ["end"]])).toEqual(Object.keys(failpoints.client).sort());
});

test("a failpoint that there is not is bad usage; doctor lists those that there are", async () => {
  const run = await newRun();
  for (const [process, said] of [
    [
      run.coordinator("nowhere"),
      'FEDPRESS_FAILPOINT: "nowhere", expected PLACE[:N[:MOMENT]] with a place of a coordinator: claim, ',
    ],
    [run.coordinator("accepted:0"), "with a place of a coordinator"],
    [run.coordinator("task:1:torn"), "expected task:N:MOMENT with before"],
    [run.client(0, "claim"), "with a place of a client: load, "],
  ] as const) {
    expect(await process.exit).toBe(2);
    expect(process.stderr()).toContain(said);
  }
  const doctor = fedpress("doctor", "--failpoints");
  expect(await doctor.exit).toBe(0);
  for (const places of Object.values(failpoints))
    for (const [name, { moments }] of Object.entries(places))
      expect(doctor.stdout()).toMatch(new RegExp(`^  ${name} +${moments.join(", ")} `, "m"));
});
