import type { Disk } from "../model/disk.ts";
import { decodeState, encodeState, type StateStore } from "./state.ts";

export const STATE_FILE = "client.state";

/** A client's state as one file of its disk, replaced as a whole. Loading throws WireError for a damaged one. */
export function diskStore(disk: Disk): StateStore {
  return {
    load: async () => {
      const bytes = await disk.read(STATE_FILE);
      if (bytes === null) return null;
      // What was read may be of a save that never ended: a report must not leave that a power cut could still take back.
      await disk.flush(STATE_FILE);
      return decodeState(bytes);
    },
    save: (state) => disk.write(STATE_FILE, encodeState(state)),
  };
}
