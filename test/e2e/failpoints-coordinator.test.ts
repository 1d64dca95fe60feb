import { expect, test } from "vitest";
import { failpoints } from "../../src/cli/failpoint/failpoint.ts";
import type { Summary } from "../../src/simulation/summary.ts";
import { type Chains, groupsOf, placesOf, tellRecoveries } from "./failpoint-groups.ts";
import { newRun, PATIENCE, runToTheEnd } from "./killed-run.ts";

// A real coordinator is killed at every failpoint, with real clients; FEDPRESS_FAILPOINTS=each gives each a run of its own.

const chains: Chains = {
  short: [
    ["claim:1:after", "segment:1:torn", "started:1:torn", "append:2:torn", "closed:1:torn", "opened:1:torn"],
    ["accepted:1:torn", "task:2:before", "model:1:torn", "verdict:1:before", "receipt:1:after"],
    ["segment:2:torn", "blob:1:torn", "closed:2:unsynced", "receipt:2:before"],
  ],
  all: [
    [
      ...["claim:1:before", "claim:1:after", "segment:1:before", "segment:1:torn", "segment:1:after"],
      ...["started:1:before", "started:1:torn", "started:1:after"],
    ],
    ["started:1:unsynced", "append:2:before", "append:2:torn", "append:3:unsynced", "append:4:after"],
    ["opened:1:before", "opened:1:torn", "opened:1:unsynced", "opened:1:after", "opened:2:torn"],
    ["accepted:1:before", "accepted:1:torn", "accepted:1:unsynced", "accepted:1:after", "accepted:3:torn"],
    ["closed:1:before", "closed:1:torn", "closed:1:unsynced", "closed:1:after", "closed:2:torn"],
    [
      "task:2:before",
      "verdict:1:before",
      "model:1:before",
      "model:1:torn",
      "model:2:after",
      "receipt:2:before",
    ],
    ["receipt:1:after", "receipt:1:before", "segment:2:before", "segment:2:torn", "segment:2:after"],
    ["blob:1:before", "blob:1:torn", "blob:1:after", "segment:2:torn"],
  ],
};

const removals: Chains = {
  short: [["remove:1:torn", "remove:1:after"]],
  all: [["remove:1:before", "remove:1:torn", "remove:1:after", "blob:1:torn"]],
};

let undisturbed: Summary["model"] | null = null;

async function modelUndisturbed(): Promise<Summary["model"]> {
  undisturbed ??= (await runToTheEnd(await newRun(), {})).model;
  return undisturbed;
}

for (const lives of groupsOf(chains))
  test(`killed at ${lives.join(", ")}, it comes to the model of an undisturbed run`, PATIENCE, async () => {
    const whole = await modelUndisturbed();
    const run = await newRun();
    const { model, recoveries } = await runToTheEnd(run, { coordinator: lives });
    tellRecoveries(recoveries);
    expect(model).toEqual(whole);
  });

for (const lives of groupsOf(removals))
  test(`killed at ${lives.join(", ")}, with older segments removed`, PATIENCE, async () => {
    const whole = await modelUndisturbed();
    const run = await newRun({ journal: { keep: "needed" } });
    const { model, recoveries } = await runToTheEnd(run, { coordinator: lives });
    tellRecoveries(recoveries);
    expect(model).toEqual(whole);
  });

test("every failpoint of a coordinator has a test", () => {
  for (const which of ["short", "all"] as const)
    expect(placesOf([...chains[which], ...removals[which], ["refused"]])).toEqual(
      Object.keys(failpoints.coordinator).sort(),
    );
});
