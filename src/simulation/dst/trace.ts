/** What happened in a run, in order, and a hash of it: two runs of one seed agree in every line. */
export interface Trace {
  readonly note: (who: string, what: string) => void;
  readonly lines: () => readonly string[];
  /** Eight hex digits. */
  readonly hash: () => string;
}

export function openTrace(now: () => number, keepsLines: boolean): Trace {
  const lines: string[] = [];
  let hash = 0x811c9dc5;
  const mix = (text: string): void => {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  };
  return {
    note: (who, what) => {
      const at = now();
      mix(`${at} ${who} ${what}`);
      if (keepsLines) lines.push(`${(at / 1000).toFixed(3).padStart(9)} s  ${who.padEnd(11)} ${what}`);
    },
    lines: () => lines,
    hash: () => (hash >>> 0).toString(16).padStart(8, "0"),
  };
}
