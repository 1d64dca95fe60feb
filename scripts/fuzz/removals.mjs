import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Every check of the built decoders, with how to plant its removal: each `throw` of a WireError that a decoder has becomes
 * nothing, each `limit` as well, each end of a field's range becomes that of its type, and of a condition with `||` each
 * part is left out. `at` is where in the file `find` stands; `line`, with a condition before it, is for people, and names
 * the removal whatever the line's number.
 */
export function removalsOf(dist) {
  return FOLDERS.flatMap((folder) => readdirSync(join(dist, folder)).map((name) => `${folder}/${name}`))
    .filter((file) => file.endsWith(".js") && !NOT_OF_DECODERS.includes(file))
    .flatMap((file) => {
      const text = readFileSync(join(dist, file), "utf8");
      const lines = text.split("\n").map((line) => line.trim());
      const lineAt = (at) => {
        const i = text.slice(0, at).split("\n").length - 1;
        return lines[i - 1]?.startsWith("if (") ? `${lines[i - 1]} ${lines[i]}` : lines[i];
      };
      return KINDS.flatMap(({ kind, pattern, changes }) =>
        [...text.matchAll(pattern)].flatMap((match) =>
          changes(match).map((put) => ({
            file,
            kind,
            at: match.index,
            find: match[0],
            put,
            line: lineAt(match.index),
          })),
        ),
      );
    });
}

/** The file with the check gone. */
export function planted(text, { at, find, put }) {
  return text.slice(0, at) + put + text.slice(at + find.length);
}

const FOLDERS = [
  "compress",
  "compress/entropy",
  "compress/history",
  "compress/positions",
  "compress/values",
  "wire",
];
/** They check what a person wrote, or what comes over a link. */
const NOT_OF_DECODERS = ["compress/plan.js", "compress/spec.js", "wire/link-fields.js", "wire/transfer.js"];

/** A field with its name and its range, in one line. */
const FIELD =
  /reader\.(uint8|varint)\(("[^"]*"|`[^`]*`|\w+), ((?:\([^()]*\([^()]*\)[^()]*\)|[^,()])+), ([^,()]+)/g;
const HIGHEST = { uint8: "255", varint: "0xffffffff" };

const KINDS = [
  { kind: "throw", pattern: /throw (?=new WireError\(|beyond\()/g, changes: () => ["void "] },
  {
    kind: "limit",
    pattern: /(?<!function )\b(?:limit\((?=reader)|check\((?!holds))/g,
    changes: () => ["void ("],
  },
  {
    kind: "low",
    pattern: FIELD,
    changes: ([, type, name, low, high]) => (low === "0" ? [] : [`reader.${type}(${name}, 0, ${high}`]),
  },
  {
    kind: "high",
    pattern: FIELD,
    changes: ([, type, name, low, high]) =>
      ["255", "0xffffffff", "MAX_UINT32"].includes(high)
        ? []
        : [`reader.${type}(${name}, ${low}, ${HIGHEST[type]}`],
  },
  {
    kind: "part",
    pattern: /if \((.+)\)(?=\n\s+throw new WireError)/g,
    changes([, condition]) {
      const parts = alternatives(condition);
      return parts.length < 2 ? [] : parts.map((_, i) => `if (${parts.toSpliced(i, 1).join(" || ")})`);
    },
  },
];

/** What stands between the outermost `||` of a condition. */
function alternatives(condition) {
  const parts = [""];
  let depth = 0;
  for (const piece of condition.split(/(\|\||[()])/)) {
    depth += piece === "(" ? 1 : piece === ")" ? -1 : 0;
    if (piece === "||" && depth === 0) parts.push("");
    else parts[parts.length - 1] += piece;
  }
  return parts.map((part) => part.trim());
}

/** Why a removal changes nothing that the inputs of a fuzzer could show, or null. */
export function unnoticeable({ file, kind, line }) {
  return (
    UNNOTICEABLE.find((known) => known.file === file && known.kind === kind && line.includes(known.line))
      ?.why ?? null
  );
}

const UNNOTICEABLE = [
  {
    file: "compress/bits.js",
    kind: "throw",
    line: "if (32 * count > remaining())",
    why: "32 bits a value are the least that a payload was found to have",
  },
  {
    file: "compress/bytes.js",
    kind: "throw",
    line: "if (value > 0xffffffff)",
    why: "every range ends at 2^32-1 or below, with the same code",
  },
  {
    file: "compress/values/uniform.js",
    kind: "high",
    line: '"bits per value", 1, RANS + 8',
    why: "the next check refuses what is above, with the same code",
  },
  {
    file: "compress/positions/units.js",
    kind: "throw",
    line: "MAX_MATRICES",
    why: "so many matrices have more coordinates than a vector of the fuzzer",
  },
  {
    file: "compress/error-feedback.js",
    kind: "throw",
    line: '"the delta to encode"',
    why: "it is of an encoder",
  },
];
