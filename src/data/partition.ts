import type { Dataset } from "../model/dataset.ts";
import { ConfigError } from "../model/error.ts";
import { derive, gaussian, permutation, type Rng } from "../model/rng.ts";
import { rising, rowsByClass } from "./split.ts";

/** How rows are dealt to clients. */
export type Partition =
  /** Evenly at random. */
  | "iid"
  /** By whom they come from: a client gets whole groups. */
  | "natural"
  /** By a draw a class: alpha above 0, small is skewed. */
  | { readonly dirichlet: number }
  /** Sorted by class and cut into so many shards a client: few classes each. */
  | { readonly shards: number }
  /** Classes alike, sizes by a draw: alpha above 0, small is skewed. */
  | { readonly quantity: number };

/** As a person writes it, such as `dirichlet 0.5`. */
export const describePartition = (how: Partition): string =>
  typeof how === "string"
    ? how
    : Object.entries(how)
        .map(([name, value]) => `${name} ${value}`)
        .join();

/** What of a data set decides who gets which rows. */
export type Dealt = Pick<Dataset, "labels" | "numClasses" | "groups">;

/** No client is left with fewer rows. */
export const MIN_EXAMPLES = 2;

/** Rows for every client, rising; every row is in exactly one, and the seed alone decides. Throws ConfigError. */
export function partition(data: Dealt, numClients: number, how: Partition, seed: number): Uint32Array[] {
  const { labels } = data;
  if (labels.length < numClients * MIN_EXAMPLES)
    throw new ConfigError([
      {
        path: "clients",
        value: numClients,
        expected: `at most one a ${MIN_EXAMPLES} of ${labels.length} train rows`,
      },
    ]);
  if (how === "iid") return iid(labels.length, numClients, seed);
  if (how === "natural") return natural(data, numClients, seed);
  if ("dirichlet" in how) return dirichlet(data, numClients, how.dirichlet, seed);
  return "shards" in how
    ? shards(data, numClients, how.shards, seed)
    : quantity(labels.length, numClients, how.quantity, seed);
}

function iid(numRows: number, numClients: number, seed: number): Uint32Array[] {
  const order = permutation(numRows, derive(seed, "partition", "iid"));
  const bound = (client: number): number => Math.floor((client * numRows) / numClients);
  return Array.from({ length: numClients }, (_, c) => order.slice(bound(c), bound(c + 1)).sort());
}

/**
 * Hsu, Qi and Brown (2019): each class's shuffled rows are cut by a draw from Dirichlet(alpha) over the clients.
 * Then, for as long as a client has fewer than two rows, the one with most gives it its last.
 */
function dirichlet(
  { labels, numClasses }: Dealt,
  numClients: number,
  alpha: number,
  seed: number,
): Uint32Array[] {
  const clients = Array.from({ length: numClients }, (): number[] => []);
  rowsByClass(labels, numClasses).forEach((rows, label) => {
    const rng = derive(seed, "partition", "dirichlet", label);
    const shares = dirichletDraw(numClients, alpha, rng);
    const order = permutation(rows.length, rng);
    let mass = 0;
    let from = 0;
    shares.forEach((share, client) => {
      mass += share;
      const to =
        client === numClients - 1 ? rows.length : Math.min(rows.length, Math.round(mass * rows.length));
      for (; from < to; from++) clients[client]!.push(rows[order[from]!]!);
    });
  });
  fillUp(clients);
  return clients.map(rising);
}

/**
 * McMahan et al. (2017), "pathological": rows sorted by class, shuffled within it, are cut into `each` shards a client of
 * one size, and every client draws as many.
 */
function shards(
  { labels, numClasses }: Dealt,
  numClients: number,
  each: number,
  seed: number,
): Uint32Array[] {
  const count = numClients * each;
  if (count > labels.length)
    throw problem({ shards: each }, `at most one shard a row: ${numClients} clients, ${labels.length} rows`);
  const sorted = rowsByClass(labels, numClasses).flatMap((rows, label) =>
    [...permutation(rows.length, derive(seed, "partition", "shards", label))].map((i) => rows[i]!),
  );
  const bound = (shard: number): number => Math.floor((shard * sorted.length) / count);
  const order = permutation(count, derive(seed, "partition", "shards"));
  const clients = Array.from({ length: numClients }, (_, client) =>
    [...order.subarray(client * each, (client + 1) * each)].flatMap((shard) =>
      sorted.slice(bound(shard), bound(shard + 1)),
    ),
  );
  fillUp(clients);
  return clients.map(rising);
}

/** Li et al. (2022), quantity skew: shuffled rows are cut by one draw from Dirichlet(alpha) over the clients. */
function quantity(numRows: number, numClients: number, alpha: number, seed: number): Uint32Array[] {
  const rng = derive(seed, "partition", "quantity");
  const sizes = dirichletDraw(numClients, alpha, rng);
  const order = permutation(numRows, rng);
  const clients: number[][] = [];
  let mass = 0;
  let from = 0;
  sizes.forEach((size, client) => {
    mass += size;
    const to = client === numClients - 1 ? numRows : Math.min(numRows, Math.round(mass * numRows));
    clients.push([...order.subarray(from, to)]);
    from = to;
  });
  fillUp(clients);
  return clients.map(rising);
}

/** Whole groups, the largest first, each to who has fewest rows; with as many clients as groups, one each. */
function natural({ groups, labels }: Dealt, numClients: number, seed: number): Uint32Array[] {
  if (groups === undefined)
    throw problem("natural", "a source that knows whom rows come from, as with group=");
  const members = rowsByClass(groups.of, groups.names.length).filter((rows) => rows.length > 0);
  if (members.length < numClients)
    throw problem(
      "natural",
      `at most ${members.length} clients, the number of groups in ${labels.length} rows`,
    );
  const order = permutation(members.length, derive(seed, "partition", "natural"));
  const clients = Array.from({ length: numClients }, (): number[] => []);
  for (const rows of [...order].map((i) => members[i]!).sort((a, b) => b.length - a.length))
    clients.reduce((least, client) => (client.length < least.length ? client : least)).push(...rows);
  fillUp(clients);
  return clients.map(rising);
}

const problem = (value: unknown, expected: string): ConfigError =>
  new ConfigError([{ path: "data.partition", value, expected }]);

function fillUp(clients: number[][]): void {
  for (const client of clients)
    while (client.length < MIN_EXAMPLES) {
      const richest = clients.reduce((most, other) => (other.length > most.length ? other : most));
      client.push(richest.pop()!);
    }
}

/** In logarithms: with a small alpha every gamma draw may be below the smallest double. */
function dirichletDraw(n: number, alpha: number, rng: Rng): number[] {
  const logs = Array.from({ length: n }, () => logGammaDraw(alpha, rng));
  const highest = Math.max(...logs);
  const masses = logs.map((log) => Math.exp(log - highest));
  const total = masses.reduce((sum, mass) => sum + mass, 0);
  return masses.map((mass) => mass / total);
}

/** The logarithm of a Gamma(alpha, 1) draw: Marsaglia and Tsang (2000), boosted by u^(1/alpha) below one. */
function logGammaDraw(alpha: number, rng: Rng): number {
  if (alpha < 1) return logGammaDraw(alpha + 1, rng) + Math.log(openUniform(rng)) / alpha;
  const d = alpha - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = gaussian(rng);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(openUniform(rng)) < 0.5 * x * x + d * (1 - v + Math.log(v))) return Math.log(d * v);
  }
}

/** Uniform in (0, 1). */
const openUniform = (rng: Rng): number => (rng.uint32() + 0.5) / 0x100000000;
