import type { Blueprint } from "../blueprint.ts";

/**
 * A model of the user's own: what is to be known of it, and where it is built from in every thread that trains it. It is
 * called by what it is made of, so that who has another one under the same file name notices. It never travels: each
 * client is started with the file or module itself, and nothing that a coordinator sends is built or run.
 */
export interface OwnModel extends Blueprint {
  readonly source: OwnSource;
}

export type OwnSource =
  /** The topology of a tfjs layers model, JSON. */
  | { readonly kind: "topology"; readonly json: string }
  /** A module whose default export is a factory. */
  | { readonly kind: "module"; readonly url: string };

/** `own.` and half of the SHA-256 of the topology, or of the module's file. */
export const ownName = (digest: string): string => `own.${digest.slice(0, 32)}`;

export const isOwnName = (name: string): boolean => /^own\.[0-9a-f]{32}$/.test(name);
