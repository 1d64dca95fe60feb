import { type CoordinatorLink, LinkError } from "../../client/link.ts";
import { type Clock, sleep } from "../../model/clock.ts";
import { digestOf } from "../../model/manifest.ts";
import type { CheckIn } from "../../model/protocol.ts";
import type { Rng } from "../../model/rng.ts";
import { crc32c } from "../../wire/checksum.ts";

/**
 * A client that is up to no good, within what the protocol lets it say: it checks in as others do, and reports what it saw
 * on the wire, of other clients and of rounds long past, whole or bent, until it is stopped.
 */
export async function hostileLoop(
  link: CoordinatorLink,
  clock: Clock,
  rng: Rng,
  seen: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      const reply = await link.checkIn(checkIn(rng, seen), signal);
      if (reply.kind === "finished") return;
      if (reply.kind === "task") {
        const { round, base } = reply.task;
        if (rng.below(4) === 0)
          await link.fetchModel({ held: null, version: base.version + rng.below(3) }, signal);
        for (let tries = 1 + rng.below(3); tries > 0; tries--) {
          const frame = bent(rng, seen);
          if (frame === null) break;
          const digest = rng.below(6) === 0 ? "0".repeat(64) : digestOf(frame);
          await link.report(
            { round: rng.below(4) === 0 ? rng.below(round + 2) : round, digest },
            frame,
            signal,
          );
          await sleep(clock, 50 + rng.below(3000), signal);
        }
      }
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
    }
    await sleep(clock, 200 + rng.below(8000), signal);
  }
}

function checkIn(rng: Rng, seen: readonly Uint8Array[]): CheckIn {
  const stolen = seen.length > 0 && rng.below(3) === 0 ? digestOf(seen[rng.below(seen.length)]!) : null;
  return {
    runId: rng.below(2) === 0 ? "dst" : rng.below(2) === 0 ? null : "another",
    numExamples: 1 + rng.below(2 ** 15),
    held: rng.below(3) === 0 ? { version: rng.below(4), digest: "f".repeat(64) } : null,
    pending: stolen === null ? null : { round: rng.below(4), digest: stolen },
  };
}

/** A frame that somebody sent, as it was or changed, with its checksum made right again. */
function bent(rng: Rng, seen: readonly Uint8Array[]): Uint8Array | null {
  if (seen.length === 0) return null;
  // new ones are likelier to fit the round
  const frame = seen[seen.length - 1 - Math.floor(rng.uniform() ** 2 * seen.length)]!.slice();
  const at = 6 + rng.below(Math.max(1, frame.length - 10));
  const view = new DataView(frame.buffer);
  switch (rng.below(6)) {
    case 0:
    case 1:
      return frame;
    case 2:
      frame[at]! ^= 1 << rng.below(8);
      break;
    case 3: // no number
      if (at + 8 <= frame.length) view.setUint32(at, 0x7fc00000, true);
      break;
    case 4: // a huge one
      if (at + 8 <= frame.length) view.setFloat32(at, 1e30, true);
      break;
    default:
      return frame.subarray(0, at);
  }
  view.setUint32(frame.length - 4, crc32c(frame.subarray(0, frame.length - 4)), true);
  return frame;
}
