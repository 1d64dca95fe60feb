/** What a thread shows of itself while it hunts: how many inputs of its chunk it began, 0 between chunks; and the last one's seed. */
export const COUNT = 0;
export const SEED = 1;
