import { expect, test } from "vitest";
import { namedClasses } from "../../src/data/labels.ts";

const place = (row: number): string => `t.csv:${row + 2}: column y`;

test("whole numbers are classes, other texts are names in their order", () => {
  expect(namedClasses(["2", "0", "1.0"], undefined, place)).toMatchObject({ numClasses: 3 });
  expect([...namedClasses(["2", "0", "1.0"], undefined, place).labels]).toEqual([2, 0, 1]);
  const named = namedClasses(["spam", " ham", "spam"], undefined, place);
  expect(named).toMatchObject({ numClasses: 2, classNames: ["ham", "spam"] });
  expect([...named.labels]).toEqual([1, 0, 1]);
  expect([...namedClasses(["b"], ["a", "b", "c"], place).labels]).toEqual([1]);
});

test("an empty label is no class, and none that renumbers the others", () => {
  expect(() => namedClasses(["0", "", "10"], undefined, place)).toThrow(
    't.csv:3: column y: "", expected a class',
  );
  expect(() => namedClasses(["a", "  "], ["a", ""], place)).toThrow(
    't.csv:3: column y: "  ", expected a class',
  );
});

test("a name where there is a number of classes is shown, with what to say instead", () => {
  expect(() => namedClasses(["0", "spam"], 2, place)).toThrow(
    't.csv:3: column y: "spam", expected a class, 0 to 1; names are told by classes=NAME,NAME',
  );
});
