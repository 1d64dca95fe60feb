import type { ClientId } from "../../model/message.ts";
import type { Masks } from "../../model/tensor.ts";
import type { Contract } from "../contract.ts";
import type { Part, Parts } from "./parts.ts";

/** Who owns what of the model, in the rounds whose reports may still come. */
export interface Owners {
  /** `widths` are those of the cohort's parts, in its order; without them everybody has the whole of `masks`. */
  readonly openRound: (opened: OwnedIn, cohort: readonly ClientId[], widths?: readonly number[]) => void;
  /** What a client owns in the round that it was last asked in. */
  readonly partOf: (clientId: ClientId, round: number) => Part;
  readonly state: () => OwnersState;
}

/** What clients own of the model in a round. */
export interface OwnedIn {
  readonly round: number;
  /** The model's, which its clients train from. */
  readonly version: number;
  /** Null: everything. */
  readonly masks: Masks | null;
}

/** A part of the book's state. */
export interface OwnersState {
  /** Oldest first. */
  readonly rounds: readonly OwnedIn[];
  /** The widths of clients in the round of `rounds` that they were last asked in. */
  readonly given: ReadonlyMap<ClientId, GivenWidth>;
}

interface GivenWidth {
  readonly round: number;
  readonly width: number;
}

export const NOTHING_GIVEN: OwnersState = { rounds: [], given: new Map() };

export function openOwners(
  { maxStaleness, ownMasks }: Pick<Contract, "maxStaleness" | "ownMasks">,
  parts: Parts,
  before: OwnersState,
): Owners {
  let rounds = before.rounds;
  const given = new Map(before.given);

  const ownedIn = (round: number): Masks | null => rounds.find((one) => one.round === round)?.masks ?? null;

  /** Masks that a task may name can be fetched, after a restart too. */
  const giveOut = (widths: Iterable<number>, masks: Masks | null): void => {
    for (const width of widths) parts.of(width, masks);
  };
  for (const { round, masks } of rounds) {
    const widths = [...given.values()].flatMap((one) => (one.round === round ? [one.width] : []));
    giveOut(new Set([1, ...widths]), masks);
  }

  return {
    openRound: (opened, cohort, widths) => {
      const mayStillReport = ({ version }: OwnedIn): boolean =>
        maxStaleness > 0 && opened.version - version <= maxStaleness;
      rounds = [...rounds.filter(mayStillReport), opened];
      const oldest = rounds[0]!.round;
      for (const [clientId, { round }] of given) if (round < oldest) given.delete(clientId);
      widths?.forEach((width, i) => {
        given.set(cohort[i]!, { round: opened.round, width });
      });
      giveOut(new Set(widths ?? [1]), opened.masks);
    },
    partOf: (clientId, round) => {
      const last = given.get(clientId);
      const own = ownMasks?.get(clientId);
      return parts.of(last?.round === round ? last.width : 1, own ?? ownedIn(round));
    },
    state: () => ({ rounds, given }),
  };
}
