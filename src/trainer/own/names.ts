/**
 * Tensors' names that do not depend on what a process built before: tfjs numbers layers without a name of their own over
 * all models (`dense_Dense7`); here they are numbered within the model, in order of appearance (`dense_1`).
 */
export function stableNames(originalNames: readonly string[]): readonly string[] {
  const numbers = new Map<string, string>();
  const counts = new Map<string, number>();
  const stable = (part: string): string => {
    const [, prefix, word] = /^(.+)_([A-Z][A-Za-z0-9]*?)\d+$/.exec(part) ?? [];
    if (prefix === undefined || !isMadeOf(prefix, word!)) return part;
    if (!numbers.has(part)) {
      const count = (counts.get(prefix) ?? 0) + 1;
      counts.set(prefix, count);
      numbers.set(part, `${prefix}_${count}`);
    }
    return numbers.get(part)!;
  };
  return originalNames.map((name) => name.split("/").map(stable).join("/"));
}

/** Whether a name is tfjs' own: the class in snake case before the class itself. */
const isMadeOf = (prefix: string, word: string): boolean =>
  prefix.replaceAll("_", "").toLowerCase().endsWith(word.toLowerCase());
