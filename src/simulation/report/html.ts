/** A piece of markup. Made by `html` alone, so that text never gets into a page unescaped. */
export interface Html {
  readonly markup: string;
}

type Piece = string | number | Html | null | readonly Piece[];

/** A template whose strings and numbers are escaped, whose pieces of markup are not, and whose nulls are nothing. */
export function html(literals: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return { markup: literals.map((literal, i) => literal + textOf(pieces[i] ?? null)).join("") };
}

function textOf(piece: Piece): string {
  if (piece === null) return "";
  if (typeof piece === "string") return piece.replaceAll(/[&<>"']/g, (character) => entities[character]!);
  if (typeof piece === "number") return String(Math.round(piece * 100) / 100); // coordinates: hundredths of a pixel
  if ("markup" in piece) return piece.markup;
  return piece.map(textOf).join("");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
