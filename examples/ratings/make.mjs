// A made-up table in the format of MovieLens 100K, for who has none of their own: `node examples/ratings/make.mjs DIR` writes
// DIR/u.data, always the same: 943 users, 1,682 items and 100,000 ratings of 1 to 5. A rating is what user and item tend to,
// what four tastes of the one and four traits of the other come to, and chance. Prints how often the best guess is right.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [USERS, ITEMS, RATINGS, TASTES] = [943, 1682, 100_000, 4];
/** Of 100,000 ratings as many are 1, 2, 3, 4 and 5 as of MovieLens's. */
const COUNTS = [6_110, 11_370, 27_145, 34_174, 21_201];
const LIKED = 4;

const folder = process.argv[2];
if (folder === undefined) {
  console.error("usage: node examples/ratings/make.mjs DIR");
  process.exit(2);
}

let state = 1;
/** Weyl steps through a hash of 32 bits: uniform, above 0 and below 1. */
function uniform() {
  state = (state + 0x9e3779b9) | 0;
  let hash = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32 + 2 ** -33;
}
const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
const drawn = (length, draw) => Array.from({ length }, draw);
const mind = () => ({ tendency: 0.6 * normal(), traits: drawn(TASTES, normal) });
const users = drawn(USERS, mind);
const items = drawn(ITEMS, mind);
/** Few are busy, few are famous: the third power of a uniform number. */
const often = (count) => Math.floor(count * uniform() ** 3);

const seen = new Set();
const table = [];
while (table.length < RATINGS) {
  const [user, item] = [often(USERS), often(ITEMS)];
  if (seen.has(user * ITEMS + item)) continue;
  seen.add(user * ITEMS + item);
  const [one, other] = [users[user], items[item]];
  const match = one.traits.reduce((sum, taste, i) => sum + taste * other.traits[i], 0) / Math.sqrt(TASTES);
  const known = one.tendency + other.tendency + match;
  table.push({ user, item, known, felt: known + 0.7 * normal() });
}

const rank = (by) => [...table].sort((a, b) => a[by] - b[by]);
let [stars, left] = [1, COUNTS[0]];
for (const row of rank("felt")) {
  while (left === 0) left = COUNTS[stars++];
  left--;
  row.stars = stars;
}
const numDisliked = COUNTS.slice(0, LIKED - 1).reduce((a, b) => a + b, 0);
const right = rank("known").filter(({ stars }, i) => stars >= LIKED === i >= numDisliked).length;

mkdirSync(folder, { recursive: true });
const lines = table.map(
  ({ user, item, stars }, i) => `${user + 1}\t${item + 1}\t${stars}\t${880_000_000 + i}\n`,
);
writeFileSync(join(folder, "u.data"), lines.join(""));
console.log(
  `${join(folder, "u.data")}: ${RATINGS} ratings; who knows all but chance says right of ${((100 * right) / RATINGS).toFixed(1)} % whether it is ${LIKED} or more`,
);
