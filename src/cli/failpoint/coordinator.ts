import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HEAD_BYTES, readHead } from "../../coordinator/journal/framing.ts";
import { decodeRecord } from "../../coordinator/journal/record.ts";
import type { Disk } from "../../model/disk.ts";
import type { ClientSession, CoordinatorService } from "../../model/protocol.ts";
import { type CoordinatorPass, type Death, failpoints, half, through } from "./failpoint.ts";

type Place = Parameters<CoordinatorPass>[number];

const places = (...names: readonly string[]): Place[] =>
  names.filter((name): name is Place => Object.hasOwn(failpoints.coordinator, name));

/** A journal's disk whose process may die at it. What is torn or not synced is written past the port. */
export function fatalDisk(disk: Disk, folder: string, pass: CoordinatorPass): Disk {
  const path = (name: string): string => join(folder, name);
  return {
    ...disk,
    create: (name, bytes) =>
      through(pass(...(name.startsWith("epoch-") ? places("claim") : [])), () => disk.create(name, bytes)),
    write: (name, bytes) =>
      through(pass(...places(name.split("-")[0]!)), () => disk.write(name, bytes), {
        torn: () => writeFileSync(path(`${name}.torn.tmp`), half(bytes)),
      }),
    extend: (name, at, bytes) => {
      const records = recordsOf(bytes);
      const death = pass("append", ...places(...records.map(({ type }) => type)));
      return through(death, () => disk.extend(name, at, bytes), {
        torn: () => {
          // in the middle of the record that is meant, or of all
          const meant = records.find(({ type }) => type === death!.place) ?? { at: 0, end: bytes.length };
          appendFileSync(path(name), bytes.subarray(0, (meant.at + meant.end) >> 1));
        },
        unsynced: () => appendFileSync(path(name), bytes),
      });
    },
    remove: (names) =>
      through(
        pass(...(names.some((name) => name.startsWith("segment-")) ? places("remove") : [])),
        () => disk.remove(names),
        {
          torn: () => disk.remove(names.slice(0, Math.ceil(names.length / 2))),
        },
      ),
  };
}

/** The records of a flush; one that is a blob is of no type here. */
function recordsOf(bytes: Uint8Array) {
  const records: { readonly type: string; readonly at: number; readonly end: number }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + HEAD_BYTES + readHead(bytes, at)!.length;
    const body = bytes.subarray(at + HEAD_BYTES, end);
    if (body[0] === 1) records.push({ type: decodeRecord(body.subarray(1)).type, at, end });
    at = end;
  }
  return records;
}

/** Sessions whose process may die as answers go out. */
export function fatalService(service: CoordinatorService, pass: CoordinatorPass): CoordinatorService {
  /** Of the receipt whose client is to come back. */
  let owed: { readonly digest: string; readonly death: Death } | null = null;

  const fatalSession = (session: ClientSession): ClientSession => ({
    ...session,
    checkIn: async (request) => {
      if (owed !== null && request.pending?.digest === owed.digest) owed.death.die();
      const reply = await session.checkIn(request);
      if (reply.kind === "refused") return reply;
      const isTold = reply.verdict !== null && reply.verdict.outcome !== "unknown";
      const passed = [...(reply.kind === "task" ? places("task") : []), ...(isTold ? places("verdict") : [])];
      return await through(pass(...passed), () => reply);
    },
    fetchModel: async (request) => {
      const download = await session.fetchModel(request);
      const total = download.frames.reduce((n, frame) => n + frame.length, 0) - download.offset;
      const death = total > 0 ? pass("model") : null; // who holds it already is sent nothing
      if (death?.moment === "before") death.die();
      let sent = 0;
      return {
        ...download,
        sent: (bytes) => {
          download.sent(bytes);
          sent += bytes;
          if (death !== null && (death.moment === "torn" || sent >= total)) setImmediate(death.die);
        },
      };
    },
    report: async (report, frame) => {
      const receipt = await session.report(report, frame);
      if (receipt.kind === "refused") return receipt;
      const death = pass("receipt");
      if (death?.moment === "before") death.die();
      if (death !== null) owed = { digest: report.digest, death };
      return receipt;
    },
  });

  return {
    ...service,
    open: (clientId, onExpired) => {
      const session = service.open(clientId, onExpired);
      return "clientId" in session ? fatalSession(session) : session;
    },
  };
}
