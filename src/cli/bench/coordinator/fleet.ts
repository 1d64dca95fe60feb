import { setMaxListeners } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { grpcLink } from "../../../client/grpc-link.ts";
import { type CoordinatorLink, LinkError } from "../../../client/link.ts";
import { codec } from "../../../compress/codec.ts";
import { planDigest } from "../../../compress/plan.ts";
import { digestOf, manifestDigest, numParams } from "../../../model/manifest.ts";
import type { ReportId, Task } from "../../../model/protocol.ts";
import { derive, gaussian } from "../../../model/rng.ts";
import { encodeFrame, shortDigest } from "../../../wire/frame.ts";
import { answerQuestions } from "./worker.ts";

export interface JoinOptions {
  readonly address: string;
  readonly clients: number;
}

export interface ReportOptions {
  /** Reports a second over all clients; null: as fast as it goes. */
  readonly rate: number | null;
  readonly seconds: number;
}

export interface Reported {
  readonly reports: number;
  readonly bytes: number;
  readonly seconds: number;
  /** From the first byte of a report to its receipt, sorted. */
  readonly latenciesMs: readonly number[];
  readonly cpuMs: number;
}

/** Clients of the production link that train nothing: each has a connection and a session of its own. */
export type Fleet = {
  /** More clients, which check in and go on waiting for their task. */
  readonly join: (options: JoinOptions) => void;
  /**
   * All of them report what they are asked for, from now on. When the time is over, what has begun comes to its end and
   * counts as well, as does the time that it takes.
   */
  readonly report: (options: ReportOptions) => Promise<Reported>;
  /** The first one downloads the model of version 0 so many times: bytes a second. */
  readonly fetch: (times: number) => Promise<{ readonly bytes: number; readonly seconds: number }>;
};

interface Member {
  readonly link: CoordinatorLink;
  readonly clientId: string;
  /** The answer to the check-in that is under way. */
  task: Promise<Task>;
  pending: ReportId | null;
}

export function clientsRole(): Promise<void> {
  const members: Member[] = [];
  const aborter = new AbortController();
  const { signal } = aborter;
  setMaxListeners(0, signal); // all clients have this one

  const checkIn = async ({ link, pending }: Pick<Member, "link" | "pending">): Promise<Task> => {
    for (;;) {
      const request = { runId: "bench", numExamples: 1, held: null, pending };
      const reply = await link.checkIn(request, signal);
      if (reply.kind === "task") return reply.task;
      if (reply.kind === "finished") throw new Error("the run is over");
      const { detail, retryAfterMs } = reply.refusal;
      if (retryAfterMs === undefined) throw new Error(detail);
      await pause(retryAfterMs); // those who come all at one time are told when it is their turn
    }
  };

  const fleet: Fleet = {
    join: ({ address, clients }) => {
      for (let i = 0; i < clients; i++) {
        const clientId = `client-${members.length}`;
        const link = grpcLink({ coordinator: address, clientId, connectTimeoutMs: 60_000 });
        const task = checkIn({ link, pending: null });
        task.catch(() => {}); // whoever reports hears of it; the idle are counted by the coordinator
        members.push({ link, clientId, task, pending: null });
      }
    },
    report: async ({ rate, seconds }) => {
      const began = performance.now();
      const cpu = process.cpuUsage();
      const turn = paced(rate);
      const endMs = began + seconds * 1000;
      const over = pause(seconds * 1000, null);
      const latenciesMs: number[] = [];
      let bytes = 0;
      const work = async (member: Member, i: number): Promise<void> => {
        for (;;) {
          const task = await Promise.race([member.task, over]);
          await turn();
          if (task === null || performance.now() >= endMs) return;
          const frame = frameOf(task, i);
          const report = { round: task.round, digest: digestOf(frame) };
          const startMs = performance.now();
          const receipt = await member.link.report(report, frame, 0, signal);
          const doneMs = performance.now();
          if (receipt.kind === "refused") throw new Error(receipt.refusal.detail);
          latenciesMs.push(doneMs - startMs);
          bytes += frame.length;
          member.pending = report;
          member.task = checkIn(member);
          member.task.catch(() => {});
        }
      };
      await Promise.all(members.map((member, i) => work(member, i)));
      const { user, system } = process.cpuUsage(cpu);
      return {
        reports: latenciesMs.length,
        bytes,
        seconds: (performance.now() - began) / 1000,
        latenciesMs: latenciesMs.sort((a, b) => a - b),
        cpuMs: (user + system) / 1000,
      };
    },
    fetch: async (times) => {
      const { link, task } = members[0]!;
      const { version } = (await task).base;
      const began = performance.now();
      let bytes = 0;
      for (let i = 0; i < times; i++)
        for (const frame of await link.fetchModel({ held: null, version }, signal)) bytes += frame.length;
      return { bytes, seconds: (performance.now() - began) / 1000 };
    },
  };
  return answerQuestions(fleet, async () => {
    aborter.abort(new LinkError("the bench is over"));
  });
}

/** Resolves for one caller after the other, evenly spread over time. */
function paced(rate: number | null): () => Promise<void> {
  if (rate === null) return async () => {};
  let nextMs = performance.now();
  return async () => {
    nextMs = Math.max(nextMs + 1000 / rate, performance.now() - 50);
    const waitMs = nextMs - performance.now();
    if (waitMs > 0) await pause(waitMs);
  };
}

/** Distinct payloads, which the clients share: what is measured is not the clients' encoder. */
const NUM_PAYLOADS = 4;
const payloads: Uint8Array[] = [];

function frameOf({ round, base, manifest, uplink }: Task, i: number): Uint8Array {
  const [rule] = uplink;
  if (payloads.length === 0) {
    const rng = derive(1, "bench coordinator");
    for (let n = 0; n < NUM_PAYLOADS; n++) {
      const noise = Float32Array.from({ length: 4096 }, () => 1e-3 * gaussian(rng));
      const delta = new Float32Array(numParams(manifest)).map((_, at) => noise[at % noise.length]!);
      payloads.push(codec(rule!.codec).encode(delta, n).payload);
    }
  }
  return encodeFrame({
    kind: "update",
    round,
    baseVersion: base.version,
    manifest: shortDigest(manifestDigest(manifest)),
    plan: shortDigest(planDigest(uplink, manifest)),
    numExamples: 1,
    numSteps: 1,
    trainLoss: 1,
    payloads: [payloads[i % NUM_PAYLOADS]!],
  });
}
