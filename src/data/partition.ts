import { ConfigError } from "../model/error.ts";
import { derive, gaussian, permutation, type Rng } from "../model/rng.ts";
import { rising, rowsByClass } from "./split.ts";

/** How rows are dealt to clients: by a Dirichlet draw a class (alpha > 0; small is skewed), or evenly at random. */
export type Partition = { readonly dirichlet: number } | "iid";

/** No client is left with fewer rows. */
export const MIN_EXAMPLES = 2;

/** Rows of `labels` for every client, rising; every row is in exactly one, and the seed alone decides. */
export function partition(
  labels: Int32Array,
  numClasses: number,
  numClients: number,
  how: Partition,
  seed: number,
): Uint32Array[] {
  if (labels.length < numClients * MIN_EXAMPLES)
    throw new ConfigError([
      {
        path: "clients",
        value: numClients,
        expected: `at most one a ${MIN_EXAMPLES} of ${labels.length} train rows`,
      },
    ]);
  return how === "iid"
    ? iid(labels.length, numClients, seed)
    : dirichlet(labels, numClasses, numClients, how.dirichlet, seed);
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
  labels: Int32Array,
  numClasses: number,
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
