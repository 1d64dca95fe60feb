import { expect, test } from "vitest";
import { newRun, PATIENCE, runToTheEnd } from "./killed-run.ts";

// Real processes whose coders depend on what was broadcast, killed on either side: they stay in step.

test("a run with history: killed as it may be, it comes to the model of one without", PATIENCE, async () => {
  const plain = await runToTheEnd(await newRun({ history: false, rounds: 6 }), {});
  const killed = await newRun({ history: true, rounds: 6 });
  const { model } = await runToTheEnd(killed, {
    coordinator: ["closed:2:unsynced", "accepted:1:torn"],
    client: ["download:1:after", "save-report:1:torn", "upload:1:after"],
  });
  expect(model).toEqual(plain.model);
  const { held, pending } = killed.clientState(0);
  expect(pending).toBeNull();
  expect(held.history!.version).toBe(held.version);
});
