import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, type TestContext, test } from "vitest";
import {
  clientIdOf,
  expectNoContradictions,
  NUM_CLIENTS,
  newRun,
  PATIENCE,
  testimonyOf,
} from "./killed-run.ts";
import { type Process, scratch } from "./processes.ts";
import { fill, smallDisk } from "./small-disk.ts";

// Real processes on a disk that is really full.

/** The test is left out, and says why, where no disk of a size of its own can be had. */
function diskFor({ skip }: TestContext, size: string): string {
  const disk = smallDisk(scratch(), size);
  if ("path" in disk) return disk.path;
  process.stderr.write(`  left out: ${disk.reason}\n`);
  return skip(disk.reason);
}

const seconds = (n: number) => new Promise((later) => setTimeout(later, 1000 * n));

const lives = (clients: readonly Process[]) => clients.map((client) => [client]);

for (const leaveBytes of [0, 8192])
  test(
    `a full disk under the journal, ${leaveBytes} bytes left: no receipt meanwhile, and it goes on by itself`,
    PATIENCE,
    async (context) => {
      const disk = diskFor(context, "256k");
      const run = await newRun({ stateDir: join(disk, "state") });
      const server = run.coordinator();
      await server.waitFor(/listening on/);
      const makeRoom = fill(disk, leaveBytes);
      const clients = Array.from({ length: NUM_CLIENTS }, (_, i) => run.client(i));
      await server.waitFor(/waiting for room on the disk of .*state \(.*ENOSPC/);
      await seconds(3);
      const before = await run.records();
      // what a client has a receipt for is on this disk, full as it is
      await expectNoContradictions(run, testimonyOf(lives(clients)));
      await seconds(2);
      expect(await run.records()).toEqual(before);
      expect(server.stderr()).not.toMatch(/there is room again/);
      makeRoom();
      await server.waitFor(/there is room again after/);
      expect(await server.exit, server.stderr()).toBe(0);
      for (const client of clients) expect(await client.exit, client.stderr()).toBe(0);
      await expectNoContradictions(run, testimonyOf(lives(clients)));
      expect(await run.refolded()).toMatchObject({
        version: 8,
        digest: JSON.parse(server.stdout()).model.digest,
      });
      expect(readdirSync(run.stateDir).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    },
  );

test(
  "a full disk under a client's state: it sends nothing that is not saved, and goes on by itself",
  PATIENCE,
  async (context) => {
    const disk = diskFor(context, "64k");
    const run = await newRun({ rounds: 3 });
    const state = join(disk, "client");
    mkdirSync(state);
    writeFileSync(join(state, "client-id"), `${clientIdOf(0)}\n`);
    const client = run.client(0, undefined, { state });
    await client.waitFor(/^client client-0:/m); // it has its folder, and nobody to talk to
    const makeRoom = fill(disk);
    const server = run.coordinator();
    const others = [1, 2].map((i) => run.client(i));
    await client.waitFor(/cannot save the state: .*ENOSPC.*; nothing is sent before; next try in/);
    await seconds(3);
    expect(client.stderr()).not.toMatch(/journaled/);
    expect((await run.records()).filter(({ type }) => type === "closed")).toEqual([]);
    makeRoom();
    expect(await server.exit, server.stderr()).toBe(0);
    const all = [client, ...others];
    for (const one of all) expect(await one.exit, one.stderr()).toBe(0);
    await expectNoContradictions(run, testimonyOf(lives(all)));
    expect(await run.refolded()).toMatchObject({ version: 3 });
  },
);
