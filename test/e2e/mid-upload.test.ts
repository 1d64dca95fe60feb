import { expect, test } from "vitest";
import { faultProxy } from "../../src/simulation/proxy/fault-proxy.ts";
import { expectNoContradictions, newRun, PATIENCE, testimonyOf } from "./killed-run.ts";

test(
  "killed in the middle of an upload: a client goes on at the byte, a coordinator has it sent again",
  PATIENCE,
  async () => {
    const run = await newRun({ dense: true, goal: 1, rounds: 2 });
    const proxy = await faultProxy({ target: () => run.port, faults: { up: { bytesPerSecond: 250_000 } } });
    const arrived = async (bytes: number): Promise<void> => {
      while ((proxy.connections().at(-1)?.up.delivered ?? 0) < bytes)
        await new Promise((later) => setTimeout(later, 20));
    };
    try {
      const first = run.coordinator();
      await first.waitFor(/listening on/);
      const one = run.client(0, undefined, { through: proxy.port });
      await one.waitFor(/round 1: .* steps/);
      await arrived(550_000);
      expect(await one.kill()).toBe(137);
      proxy.cut(); // with what it had sent and was still on its way
      expect(one.stderr()).not.toMatch(/journaled/);
      await first.waitFor(/^- client-0/m);
      const two = run.client(0, undefined, { through: proxy.port });
      // the chunks of 256 KiB that were whole are not sent again, and nothing is trained again
      await two.waitFor(/round 1: report goes on after [5-7]\d\d kB/);
      expect(two.stderr()).not.toMatch(/round 1: task/);
      await arrived(50_000);
      expect(await first.kill()).toBe(137);

      const second = run.coordinator();
      await second.waitFor(/listening on/);
      expect(await second.exit, second.stderr()).toBe(0);
      expect(await two.exit, two.stderr()).toBe(0);
      expect(two.stderr().match(/round 1: report of .* journaled/g)).toHaveLength(1);
      await expectNoContradictions(run, testimonyOf([[one, two]]));
      expect(await run.refolded()).toMatchObject({
        version: 2,
        digest: JSON.parse(second.stdout()).model.digest,
      });
    } finally {
      await proxy.close();
    }
  },
);
