import { type CoordinatorLink, LinkError } from "../../client/link.ts";
import { type Clock, sleep } from "../../model/clock.ts";
import { digestOf } from "../../model/manifest.ts";
import type { CheckIn } from "../../model/protocol.ts";
import type { Rng } from "../../model/rng.ts";
import { crc32c } from "../../wire/checksum.ts";

/** A report as it went over the wire. */
export interface Overheard {
  readonly round: number;
  readonly frame: Uint8Array;
}

/**
 * A client that is up to no good, within what the protocol lets it say: it checks in as others do, and reports what it
 * heard on the wire, of other clients and of rounds long past, whole or bent, asked or not, until it is stopped.
 */
export async function hostileLoop(
  link: CoordinatorLink,
  clock: Clock,
  rng: Rng,
  heard: readonly Overheard[],
  signal: AbortSignal,
): Promise<void> {
  const report = async (round: number): Promise<void> => {
    const frame = choose(rng, heard, round);
    if (frame === null) return;
    const digest = rng.below(6) === 0 ? "0".repeat(64) : digestOf(frame);
    await link.report({ round: rng.below(6) === 0 ? rng.below(round + 2) : round, digest }, frame, 0, signal);
    await sleep(clock, 50 + rng.below(3000), signal);
  };
  for (;;) {
    try {
      // unasked, of the newest round or one before
      const newest = heard.at(-1)?.round ?? 0;
      if (rng.below(3) === 0) await report(newest - rng.below(Math.min(2, newest + 1)));
      const reply = await link.checkIn(checkIn(rng, heard), signal);
      if (reply.kind === "finished") return;
      if (reply.kind === "task") {
        const { round, base } = reply.task;
        const wanted = { held: null, version: base.version + rng.below(3) };
        if (rng.below(4) === 0) await link.fetchModel(wanted, signal);
        if (rng.below(4) === 0) await sleep(clock, rng.below(60_000), signal); // late
        for (let tries = 1 + rng.below(4); tries > 0; tries--) await report(round);
      }
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
    }
    await sleep(clock, 200 + rng.below(8000), signal);
  }
}

function checkIn(rng: Rng, heard: readonly Overheard[]): CheckIn {
  const stolen =
    heard.length > 0 && rng.below(3) === 0 ? digestOf(heard[rng.below(heard.length)]!.frame) : null;
  return {
    runId: rng.below(2) === 0 ? "dst" : rng.below(2) === 0 ? null : "another",
    numExamples: 1 + rng.below(2 ** 15),
    held: rng.below(3) === 0 ? { version: rng.below(4), digest: "f".repeat(64) } : null,
    pending: stolen === null ? null : { round: rng.below(4), digest: stolen },
  };
}

/** A frame that somebody sent, mostly for that round, as it was or changed, with its checksum made right again. */
function choose(rng: Rng, heard: readonly Overheard[], round: number): Uint8Array | null {
  const fitting = heard.filter((one) => one.round === round);
  const from = fitting.length > 0 && rng.below(5) > 0 ? fitting : heard;
  return from.length === 0 ? null : bent(rng, from[rng.below(from.length)]!.frame.slice());
}

function bent(rng: Rng, frame: Uint8Array): Uint8Array {
  if (frame.length < 32) return frame;
  const last = frame.length - 4;
  // half of the time among the fields before the payloads
  const at = Math.min(
    last - 4,
    rng.below(2) === 0 ? 6 + rng.below(12) : 6 + rng.below(Math.max(1, last - 6)),
  );
  const view = new DataView(frame.buffer);
  switch (rng.below(8)) {
    case 0:
    case 1:
    case 2:
      return frame;
    case 3:
    case 4:
      frame[at]! ^= 1 << rng.below(8);
      break;
    case 5:
      view.setUint32(at, 0x7fc00000, true); // no number
      break;
    case 6:
      view.setFloat32(Math.max(6, last - 4 * (1 + rng.below(4))), 4 ** rng.below(12), true);
      break;
    default:
      return frame.subarray(0, at);
  }
  view.setUint32(last, crc32c(frame.subarray(0, last)), true);
  return frame;
}
