import { expect, onTestFinished, test } from "vitest";
import { grpcLink } from "../../src/client/grpc-link.ts";
import { digestOf } from "../../src/model/manifest.ts";
import type { CheckIn } from "../../src/model/protocol.ts";
import { expectNoContradictions, newRun, PATIENCE, testimonyOf } from "./killed-run.ts";
import { fedpress, type Process } from "./processes.ts";

// What became of a report, told by a coordinator and heard by a client that were both killed meanwhile.

test(
  "a report of a round that is abandoned later is dropped, told so, and rolled back",
  PATIENCE,
  async () => {
    const run = await newRun({ goal: 2, rounds: 3 });
    const first = run.coordinator();
    await first.waitFor(/listening on/);
    const silent = run.client(1, "save-report:1:before"); // takes its task, and is gone
    const one = run.client(0);
    await one.waitFor(/round 1: report of .* journaled/);
    expect(await silent.exit).toBe(137);
    expect([await one.kill(), await first.kill()]).toEqual([137, 137]);
    const { pending, discarded } = run.clientState(0);
    expect(pending?.report.round).toBe(1);
    expect(discarded).toEqual([]);

    const second = run.coordinator();
    await second.waitFor(/listening on/);
    const pause = fedpress("control", run.stateDir, "pause", "--abandon");
    expect(await pause.exit, pause.stderr()).toBe(0);
    await second.waitFor(/round 1 abandoned with 1 of 2 reports/);
    expect(await second.kill()).toBe(137);

    const third = run.coordinator();
    await third.waitFor(/listening on/);
    const resume = fedpress("control", run.stateDir, "resume");
    expect(await resume.exit, resume.stderr()).toBe(0);
    // It saves the verdict, and dies before anything else.
    const told = run.client(0, "save-verdict:1:after");
    const other = run.client(1);
    expect(await told.exit, told.stderr()).toBe(137);
    expect(told.stderr()).toMatch(/^round 1: report dropped$/m);
    const rolledBack = run.clientState(0);
    expect(rolledBack.pending).toBeNull();
    expect(rolledBack.residual).toEqual(pending!.residualBefore);
    expect(rolledBack.discarded).toEqual(pending!.delta); // what was trained for it, gone for good and written down

    const last = run.client(0);
    expect(await third.exit, third.stderr()).toBe(0);
    for (const client of [last, other]) expect(await client.exit, client.stderr()).toBe(0);
    expect(last.stderr()).not.toMatch(/report dropped/);
    await expectNoContradictions(
      run,
      testimonyOf([
        [one, told, last],
        [silent, other],
      ]),
    );
    expect(await run.refolded()).toMatchObject({
      version: 3,
      digest: JSON.parse(third.stdout()).model.digest,
    });
  },
);

for (const last of ["unsynced", "after"])
  test(
    `a refused report stays refused: its coordinator is killed before, torn and ${last}`,
    PATIENCE,
    async () => {
      const run = await newRun({ goal: 3, minimum: 2, selectionDeadline: "10m" });
      const rubbish = new TextEncoder().encode("no frame at all");
      const report = { round: 1, digest: digestOf(rubbish) };
      const { signal } = new AbortController();
      const link = grpcLink({ coordinator: run.address, clientId: "vandal" });
      onTestFinished(() => link.close());
      const nothing: CheckIn = { runId: null, numExamples: 10, held: null, pending: null };
      const insist = async <T>(ask: () => Promise<T>): Promise<T> => {
        for (;;) {
          const answer = await ask().catch(() => null);
          if (answer !== null) return answer;
          await new Promise((later) => setTimeout(later, 100));
        }
      };
      const send = () => insist(() => link.report(report, rubbish, 0, signal));

      const clients: Process[] = [];
      let runId = "";
      for (const moment of ["before", "torn", last]) {
        const server = run.coordinator(`refused:1:${moment}`);
        await server.waitFor(/listening on/);
        if (clients.length === 0) {
          clients.push(run.client(0), run.client(1));
          const first = await link.checkIn(nothing, signal);
          expect(first).toMatchObject({ kind: "task", task: { round: 1 } });
          if (first.kind === "task") runId = first.task.runId;
        }
        void send();
        expect(await server.exit, server.stderr()).toBe(137);
        const refused = (await run.records()).filter(({ type }) => type === "refused");
        expect(refused.length, moment).toBe(moment === last ? 1 : 0);
      }
      let server = run.coordinator();
      expect((await send()).kind).toBe("refused");
      expect(await server.kill()).toBe(137);
      server = run.coordinator();
      const answer = await insist(() => link.checkIn({ ...nothing, runId, pending: report }, signal));
      const verdict = { report, outcome: "refused", version: null };
      expect(answer).toMatchObject({ kind: "task", task: { round: 2 }, verdict });
      const records = await run.records();
      expect(records.flatMap((record) => (record.type === "refused" ? [record] : []))).toEqual([
        { type: "refused", round: 1, clientId: "vandal", digest: report.digest, code: "bad-magic" },
      ]);
      const closed = records.find(({ type }) => type === "closed");
      expect(closed).toMatchObject({ round: 1, outcome: "commit", version: 1 });
      await expectNoContradictions(run, testimonyOf(clients.map((client) => [client])));
    },
  );
