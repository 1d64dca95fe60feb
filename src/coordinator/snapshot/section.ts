import type { ByteReader, ByteWriter } from "../../compress/bytes.ts";
import type { BookState } from "../book/state.ts";
import type { Contract } from "../contract.ts";

/** What is known of a run without its journal; what follows from it is not repeated in a snapshot. */
export type Known = Pick<Contract, "manifest" | "limits" | "subModels">;

/**
 * One part of the book's state as bytes and back. `read` throws WireError, and takes memory for bytes that are there;
 * `first` is what the run began with, of the same sizes.
 */
export interface Section<T> {
  readonly write: (writer: ByteWriter, value: T, known: Known) => void;
  readonly read: (reader: ByteReader, known: Known, first: BookState) => T;
}
