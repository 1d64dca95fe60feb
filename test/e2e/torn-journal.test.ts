import { readdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { NUM_CLIENTS, newRun, PATIENCE } from "./killed-run.ts";
import { fedpress } from "./processes.ts";

// What a person reads of the journal of a coordinator that was killed in the middle of a write, and of a damaged one.

test(
  "a torn journal is repaired exactly and told of; a damaged one is refused with its place and the remedy",
  PATIENCE,
  async () => {
    const run = await newRun({ rounds: 4 });
    const dead = run.coordinator("accepted:2:torn");
    await dead.waitFor(/listening on/);
    const clients = Array.from({ length: NUM_CLIENTS }, (_, i) => run.client(i));
    expect(await dead.exit, dead.stderr()).toBe(137);
    const journaled = clients.flatMap((client) => client.stderr().match(/journaled/g) ?? []).length;

    const segments = () =>
      readdirSync(run.stateDir)
        .filter((name) => name.startsWith("segment-"))
        .sort();
    const torn = segments().at(-1)!;
    const verify = async () => {
      const command = fedpress("journal", "verify", run.stateDir);
      return { code: await command.exit, said: `${command.stdout()}${command.stderr()}` };
    };
    const whole = await verify();
    expect(whole.code).toBe(0);
    expect(whole.said).toMatch(/: whole, \d+ records from the run's start, 1 segments, /);
    const tail = new RegExp(`a torn tail, never acknowledged, counts for nothing: ${torn}, (\\d+) bytes`);
    const [, tornBytes] = /to be set right at the next start: (?:.*), (\d+) bytes/.exec(whole.said)!;
    expect(whole.said).toMatch(tail);
    expect((await run.records()).filter(({ type }) => type === "accepted").length).toBeGreaterThanOrEqual(
      journaled,
    );

    const again = run.coordinator("opened:1:before");
    await again.waitFor(new RegExp(`! journal: ${tail.source}`));
    expect(again.stderr()).toContain(`, ${tornBytes} bytes`);
    expect(await again.exit, again.stderr()).toBe(137); // with the round of before closed, and the next not open
    for (const client of clients) await client.kill();

    const file = join(run.stateDir, torn);
    const bytes = readFileSync(file);
    const refused = async (said: RegExp) => {
      const { code, said: verified } = await verify();
      const start = run.coordinator();
      expect([code, await start.exit]).toEqual([1, 1]);
      for (const text of [verified, start.stderr()]) {
        expect(text).toMatch(said);
        expect(text).toContain(
          "restore the file from a copy, or start a new run in another coordinator.stateDir",
        );
      }
    };
    const damage = Buffer.from(bytes);
    damage[bytes.length - Number(tornBytes) - 20]! ^= 4; // in the last record that was acknowledged
    writeFileSync(file, damage);
    await refused(new RegExp(`error ${torn}, record \\d+ at byte \\d+: the checksum of its bytes differs; `));
    writeFileSync(file, bytes);
    truncateSync(file, bytes.length - Number(tornBytes) - 20);
    await refused(new RegExp(`error ${torn}: has \\d+ bytes, of which segment-\\d+-\\d+ counts \\d+; `));
    renameSync(file, join(run.folder, torn));
    await refused(new RegExp(`error ${torn}: is not there, and segment-\\d+-\\d+ follows it; `));
    writeFileSync(file, bytes);

    const last = run.coordinator();
    await last.waitFor(/listening on/);
    const anew = Array.from({ length: NUM_CLIENTS }, (_, i) => run.client(i));
    expect(await last.exit, last.stderr()).toBe(0);
    for (const client of anew) expect(await client.exit, client.stderr()).toBe(0);
    expect(await run.refolded()).toMatchObject({
      version: 4,
      digest: JSON.parse(last.stdout()).model.digest,
    });
  },
);
