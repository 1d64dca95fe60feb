import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readTable, type TableOptions } from "../../src/data/table.ts";
import { ConfigError } from "../../src/model/error.ts";
import { temporaryFolder } from "../temporary.ts";

const path = join(temporaryFolder(), "t.csv");
const table = (content: string | Uint8Array, options: TableOptions = {}) => {
  writeFileSync(path, content);
  return readTable(path, options);
};
const cells = (row: string): readonly string[] => table(row, { header: "none" }).row(0).cells;

test("two columns of one name are refused: the first would be read twice", () => {
  expect(() => table("a,b,a,b\n1,2,3,4\n")).toThrow(
    't.csv:1: "a", expected a name for each column, no two alike',
  );
  expect(() => table("a,,\n1,2,3\n")).toThrow('t.csv:1: "", expected a name for each column');
});

test("text that is not UTF-8 is refused where it is: names that differ would become one", () => {
  const latin1 = Buffer.from("a,y\n1,caf\u00e9\n2,caf\u00e8\n", "latin1");
  expect(() => table(latin1)).toThrow('t.csv:2: "1,caf\ufffd", expected UTF-8 text');
  const cut = Buffer.from("a,y\n1,z\n2,\u00e9").subarray(0, -1);
  expect(() => table(cut)).toThrow(/t.csv:3: .*UTF-8 text/);
  expect(table("\uFEFFa,y\n1,caf\u00e9\n").column(1)).toEqual(["caf\u00e9"]);
  expect(table("\uFEFFa,y\n1,2\n").columns[0]).toBe("a");
});

/** Character by character; null where quotes do not close. */
function plainCells(row: string): readonly string[] | null {
  if (!row.includes('"')) return row.split(",");
  const cells: string[] = [];
  let rest = row;
  for (;;) {
    rest = rest.trimStart();
    let cell = "";
    if (rest.startsWith('"')) {
      let at = 1;
      for (; rest[at] !== '"' || rest[at + 1] === '"'; at++) {
        if (at >= rest.length) return null;
        if (rest[at] === '"') at++;
        cell += rest[at];
      }
      rest = rest.slice(at + 1).trimStart();
    } else
      for (; rest !== "" && rest[0] !== ","; rest = rest.slice(1)) {
        if (rest[0] === '"') return null;
        cell += rest[0];
      }
    cells.push(cell);
    if (rest === "") return cells;
    if (rest[0] !== ",") return null;
    rest = rest.slice(1);
  }
}

test("quoted rows are what a plain parser makes of them", () => {
  const piece = fc.constantFrom('"', '"', '""', ",", ",", " ", "a", ";", "\t", "\u00e9", "\u00a0", '","');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const row = `x,${pieces.join("")}`;
      const expected = plainCells(row);
      if (expected !== null) expect(cells(row)).toEqual(expected);
      else expect(() => cells(row)).toThrow(/quotes that close/);
    }),
    { numRuns: 500 },
  );
});

test("a quoted cell of 12 MB is one cell, and one that does not close is refused", () => {
  const long = "one two, ".repeat(1_333_334);
  const read = cells(`"${long}",y`);
  expect([read.length, read[0] === long, read[1]]).toEqual([2, true, "y"]);
  expect(() => cells(`"${'""'.repeat(6_000_000)},y`)).toThrow(ConfigError);
});
