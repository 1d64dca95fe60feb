import { bug, type PlantedBug } from "./bug.ts";

/** What goes wrong on the disk, after a restart and when two coordinators have one folder. */
export const journalBugs: readonly PlantedBug[] = [
  bug(
    "group commit: a record joins a flush that has begun",
    "coordinator/journal/journal",
    "if (open === batch) open = null; return flush(name, batch);",
    "return flush(name, batch).then(() => { if (open === batch) open = null; });",
  ),
  bug(
    "what a flush without room left is cut off",
    "coordinator/journal/journal",
    "await patience.run(() => disk.extend(name, at, bytes));",
    `let isTouched = false;
    await patience.run(async () => {
      if (isTouched) await disk.write(name, (await disk.read(name)).subarray(0, at));
      isTouched = true;
      await disk.extend(name, at, bytes);
    });`,
  ),
  bug(
    "a flush without room is done again behind what it left",
    "coordinator/journal/journal",
    "await patience.run(() => disk.extend(name, at, bytes));",
    "await patience.run(async () => disk.extend(name, (await disk.read(name)).length, bytes));",
  ),
  bug(
    "records become durable before the blobs that they name",
    "coordinator/journal/journal",
    "for (const [blob, bytes] of blobs) await patience.run(() => disk.write(blob, bytes));",
    "for (const [blob, bytes] of blobs) void patience.run(() => disk.write(blob, bytes));",
  ),
  bug(
    "old segments go before the snapshot is durable",
    "coordinator/journal/journal",
    "Promise.all([started, written]).then(",
    "Promise.all([started]).then(",
  ),
  bug(
    "what a restart reads is not made durable",
    "coordinator/journal/journal",
    "for (const name of found) await patience.run(() => disk.flush(name));",
    "",
  ),
  bug(
    "a writer that was taken over goes on",
    "coordinator/journal/claim",
    "if ((await disk.read(own)) === null) throw fenced(own);",
    "",
  ),
  bug(
    "a writer that waits does not notice that it was taken over",
    "coordinator/coordinator",
    "await run.confirm();",
    "",
  ),
  bug(
    "a take-over leaves the other's claim where it is",
    "coordinator/journal/claim",
    "await disk.remove(claims.filter((other) => other < epoch).map(claimName));",
    "",
  ),
  bug(
    "a torn tail is refused",
    "coordinator/journal/segment",
    "if (next === null && number > 0 && isTorn(counted, at)) break;",
    "",
  ),
  bug(
    "a flipped bit in a head is a torn tail",
    "coordinator/journal/segment",
    "return !isOneBitOff(file.subarray(at, at + 44), sum) && !isFollowed(file, at, at + 1);",
    "return true;",
  ),
  bug(
    "a flipped bit in a body is a torn tail",
    "coordinator/journal/segment",
    "crc32c(bytes) !== head.bodySum && !isOneBitOff(bytes, head.bodySum) && !isFollowed(file, at, next)",
    "crc32c(bytes) !== head.bodySum",
  ),
  bug(
    "a failed write is forgotten",
    "coordinator/coordinator",
    "durable.catch(fail);",
    "durable = durable.catch(() => {});",
  ),
  bug(
    "who reported before a restart is not remembered",
    "coordinator/round/replay",
    "reported: [...state.reported, clientId],",
    "",
  ),
  bug(
    "no deadline after a restart",
    "coordinator/round/round",
    "[reportDeadline(state.round, config)]];",
    "[]];",
  ),
  bug(
    "bytes since the last totals are not counted again",
    "coordinator/journal/opening",
    "for (const frame of since) ledger.accepted(frame.length);",
    "",
  ),
  bug(
    "refused bytes are not counted",
    "coordinator/sessions/byte-ledger",
    "refused: (bytes) => { uplink += bytes;",
    "refused: (bytes) => {",
  ),
  bug(
    "a model's bytes are not counted",
    "coordinator/sessions/downloads",
    "sent: ledger.sent",
    "sent: () => {}",
  ),
  bug(
    "a round is abandoned without a record",
    "coordinator/coordinator",
    'void write({ type: "closed",',
    'if (outcome === "commit") void write({ type: "closed",',
  ),
  bug(
    "a snapshot forgets the verdicts",
    "coordinator/book/book",
    "verdicts: verdicts.rows(),",
    "verdicts: { clients: [], words: new Uint32Array(0) },",
  ),
  bug(
    "records count no bytes down",
    "coordinator/coordinator",
    "bytes: ledger.totals(),",
    "bytes: { ...ledger.totals(), downlink: 0 },",
  ),
];
