/** A bug of the kind that happens: changes of the built text. What is to be found must be in its file exactly once. */
export interface PlantedBug {
  readonly name: string;
  readonly changes: readonly Change[];
}

export interface Change {
  /** Within dist/. */
  readonly file: string;
  /** However many spaces and line ends stand where it has some. */
  readonly find: string;
  readonly put: string;
}

export const bug = (name: string, file: string, find: string, put: string): PlantedBug => ({
  name,
  changes: [{ file: `${file}.js`, find, put }],
});

/** The text with the change made; throws when it does not fit the text any more. */
export function planted(text: string, { file, find, put }: Change): string {
  const pattern = find.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+");
  const times = [...text.matchAll(new RegExp(pattern, "g"))].length;
  if (times !== 1) throw new Error(`${file} has ${times} times what a planted bug changes: ${find}`);
  return text.replace(new RegExp(pattern), () => put);
}
