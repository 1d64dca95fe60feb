/** Runs that have every failpoint of either side in them, as PLACE:N:MOMENT, in an order in which each is come to. */
export interface FailpointRun {
  readonly name: string;
  /** Of the coordinator, before it listens: its clients come after them. */
  readonly early?: readonly string[];
  /** Of the coordinator, once it has clients. */
  readonly coordinator?: readonly string[];
  /** Of the first client, after those. */
  readonly client?: readonly string[];
  readonly keep?: "needed";
  /** Somebody in every cohort sends rubbish. */
  readonly hasVandal?: boolean;
}

/** What stands still before a receipt alternates with what has given some, so that no client waits longer and longer. */
export const failpointRuns: readonly FailpointRun[] = [
  {
    name: "its records",
    early: [
      ...["claim:1:before", "claim:1:after", "segment:1:before", "segment:1:torn", "segment:1:after"],
      ...["started:1:before", "started:1:torn", "started:1:after"],
    ],
    coordinator: [
      ...["append:2:before", "closed:1:before", "append:2:torn", "closed:1:torn", "append:3:unsynced"],
      ...["closed:1:unsynced", "append:4:after", "closed:1:after", "opened:1:before", "accepted:2:before"],
      ...["opened:1:torn", "accepted:2:torn", "opened:1:unsynced", "accepted:2:unsynced"],
      ...["opened:1:after", "accepted:2:after"],
    ],
  },
  {
    name: "its answers and snapshots",
    early: ["started:1:unsynced"],
    coordinator: [
      ...["task:2:before", "segment:2:before", "model:1:before", "blob:1:before", "model:1:torn"],
      ...["segment:2:torn", "model:2:after", "blob:1:torn", "verdict:1:before", "segment:2:after"],
      ...["receipt:2:before", "blob:1:after", "receipt:1:after"],
    ],
  },
  {
    name: "what it removes",
    coordinator: ["remove:1:before", "remove:1:torn", "remove:1:after"],
    keep: "needed",
  },
  {
    name: "what it refuses",
    coordinator: ["refused:1:before", "refused:1:torn", "refused:1:unsynced", "refused:1:after"],
    hasVandal: true,
  },
  {
    name: "its clients",
    client: [
      ...["load:1:before", "load:1:after", "check-in:1:before", "check-in:1:after"],
      ...["download:1:before", "download:1:after", "save:1:before", "save:1:torn", "save:1:after"],
      ...["save-report:1:before", "save-report:1:torn", "save-report:1:after"],
      ...["upload:1:before", "inquire:1:before", "inquire:1:after", "upload:1:torn", "upload:1:after"],
      ...["save-verdict:1:before", "save-verdict:1:torn", "save-verdict:1:after", "end:1:before"],
    ],
  },
];
