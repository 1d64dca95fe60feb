import { setTimeout as pause } from "node:timers/promises";
import { grpcLink } from "../../client/grpc-link.ts";
import { LinkError } from "../../client/link.ts";
import { digestOf } from "../../model/manifest.ts";

/** A client that takes tasks and reports rubbish, each time another, until it is stopped. */
export function startVandal(address: () => string): { readonly stop: () => Promise<void> } {
  const aborter = new AbortController();
  const { signal } = aborter;
  const stopped = new Error("the vandal is stopped");
  let numSent = 0;
  const visit = async (): Promise<void> => {
    const link = grpcLink({ coordinator: address(), clientId: "vandal", connectTimeoutMs: 2000 });
    try {
      for (;;) {
        const reply = await link.checkIn({ runId: null, numExamples: 1, held: null, pending: null }, signal);
        if (reply.kind !== "task") return;
        const rubbish = new TextEncoder().encode(`rubbish ${numSent++}`);
        await link.report({ round: reply.task.round, digest: digestOf(rubbish) }, rubbish, 0, signal);
      }
    } finally {
      await link.close();
    }
  };
  const work = async (): Promise<void> => {
    for (;;) {
      await visit().catch((error) => {
        if (!(error instanceof LinkError)) throw error;
      });
      await pause(50);
      signal.throwIfAborted();
    }
  };
  const ended = work().catch((error) => {
    if (error !== stopped) throw error;
  });
  return {
    stop: () => {
      aborter.abort(stopped);
      return ended;
    },
  };
}
