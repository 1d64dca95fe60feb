export type JournalErrorCode =
  | "damaged" // bytes are not as they were written
  | "missing" // a file that others name is not there
  | "foreign" // files of another format, or of another build of fedpress
  | "other-run" // the journal is of a run with another config
  | "refolds-differently" // the same records do not come to the same model here
  | "fenced"; // another coordinator has taken the folder over

/** The journal cannot be gone on with: what is wrong, where (file, record, byte), and what a person can do. */
export class JournalError extends Error {
  override readonly name = "JournalError";
  readonly code: JournalErrorCode;
  readonly place: string;
  readonly remedy: string;
  constructor(code: JournalErrorCode, place: string, detail: string, remedy: string) {
    super(`${place}: ${detail}; ${remedy}`);
    this.code = code;
    this.place = place;
    this.remedy = remedy;
  }
}

/** What helps against damage. */
export const RESTORE = "restore the file from a copy, or start a new run in another coordinator.stateDir";
