import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CoordinatorLink } from "../../client/link.ts";
import { type ClientState, encodeState, type StateStore } from "../../client/state.ts";
import { type ClientPass, half, through } from "./failpoint.ts";

/** A client's state whose process may die at it. */
export function fatalStore(store: StateStore, folder: string, pass: ClientPass): StateStore {
  let last: ClientState | null = null;
  return {
    load: () =>
      through(pass("load"), async () => {
        last = await store.load();
        return last;
      }),
    save: (state) => {
      const isNew = state.pending !== null && state.pending.report.digest !== last?.pending?.report.digest;
      const isSettled = state.pending === null && (last?.pending ?? null) !== null;
      last = state;
      const passed = [
        ...(isNew ? (["save-report"] as const) : []),
        ...(isSettled ? (["save-verdict"] as const) : []),
      ];
      return through(pass("save", ...passed), () => store.save(state), {
        torn: () => writeFileSync(join(folder, "client.state.torn.tmp"), half(encodeState(state))),
      });
    },
  };
}

/** A link whose process may die at it. */
export function fatalLink(link: CoordinatorLink, pass: ClientPass): CoordinatorLink {
  return {
    ...link,
    checkIn: (request, signal) => through(pass("check-in"), () => link.checkIn(request, signal)),
    inquire: (report, signal) => through(pass("inquire"), () => link.inquire(report, signal)),
    fetchModel: (request, signal) => through(pass("download"), () => link.fetchModel(request, signal)),
    report: (report, frame, offset, signal) => {
      const death = pass("upload");
      return through(death, () => link.report(report, frame, offset, signal), {
        torn: async () => {
          link.report(report, frame, offset, signal).catch(() => {});
          await new Promise((later) => setTimeout(later, 2)); // what is on its way by then is chance
          death!.die();
        },
      });
    },
    close: () => through(pass("end"), () => link.close()),
  };
}
