import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readCsv } from "../../src/data/csv.ts";
import { readJsonl } from "../../src/data/jsonl.ts";
import { readNextCharacter } from "../../src/data/next-character.ts";
import { readRatings } from "../../src/data/ratings.ts";
import { characters, words } from "../../src/data/tokens.ts";
import { ConfigError } from "../../src/model/error.ts";
import { temporaryFolder } from "../temporary.ts";

const file = (text: string, name = "text.txt"): string => {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, text);
  return path;
};

describe("tokens", () => {
  it("numbers characters: hand computed", () => {
    expect([...characters(" !~\r\n\t\u00e9")]).toEqual([3, 4, 97, 2, 1, 1]);
  });

  it("are one a code point, as many as there are", () => {
    expect([...characters("a\u{1f600}b\n")]).toEqual([68, 1, 69, 2]);
  });

  it("hashes words by FNV-1a, whatever their case: hand computed", () => {
    // FNV-1a of "a" is 0xe40c292c = 3826002220; 3826002220 mod 999 = 49
    expect(words("A a", 1000)).toEqual([1 + (3826002220 % 999), 1 + (3826002220 % 999)]);
    expect(words("don't  stop!", 1000)).toHaveLength(5);
    expect(words("  ", 10)).toEqual([]);
  });
});

describe("readNextCharacter", () => {
  it("takes windows and the character after each: hand computed", () => {
    const data = readNextCharacter(file("abcdef"), { steps: 2, stride: 2, isPlay: false });
    expect([...data.inputs]).toEqual([...characters("abcd")]); // ab -> c, cd -> e; ef has none after it
    expect([...data.labels]).toEqual([...characters("ce")]);
    expect(data.groups).toBeUndefined();
  });

  it("keeps a play's roles apart and joins what each says", () => {
    const play = "ANNA:\nabc\n\nBEN:\nxyz\n\n[They leave]\n\nANNA:\nde\n";
    const data = readNextCharacter(file(play), { steps: 3, stride: 3, isPlay: true });
    expect(data.groups!.names).toEqual(["ANNA", "BEN"]);
    expect([...data.groups!.of]).toEqual([0, 0, 1]); // "abc\nde\n\n": abc -> \n, \nde -> \n; "xyz\n": xyz -> \n
    expect([...data.labels]).toEqual([2, 2, 2]);
  });

  it("refuses what holds no example", () => {
    expect(() => readNextCharacter(file("ab"), { steps: 2, stride: 1, isPlay: false })).toThrow(
      /more than steps=2/,
    );
    expect(() => readNextCharacter(file("no role here"), { steps: 2, stride: 1, isPlay: true })).toThrow(
      /ROLE:/,
    );
  });
});

describe("a table of texts", () => {
  it("reads two columns without a header, divided by tabs, quotes left alone", () => {
    const data = readCsv(file('ham\tSay "hi" to me\nspam\tWIN a car\n', "sms"), {
      label: "1",
      separator: "tab",
      header: "none",
      text: { column: "2", steps: 4, vocabulary: 50 },
    });
    expect(data.inputShape).toEqual([4]);
    expect([...data.inputs.subarray(0, 4)]).toEqual(words('say " hi "', 50));
    expect([...data.inputs.subarray(4)]).toEqual([...words("win a car", 50), 0]);
    expect([...data.labels]).toEqual([0, 1]);
  });
});

describe("readJsonl", () => {
  const options = { input: "x", label: "y", text: { steps: 3, vocabulary: 20 } };

  it("takes numbers in any shape, names of classes and groups", () => {
    const lines =
      '{"x": [[1, 2], [3, 4]], "y": "no", "who": "a"}\n\n{"x": [[5, 6], [7, 8]], "y": "yes", "who": "b"}\n';
    const data = readJsonl(file(lines), { ...options, group: "who" });
    expect(data.inputShape).toEqual([2, 2]);
    expect([...data.inputs]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...data.labels]).toEqual([0, 1]);
    expect(data.groups).toEqual({ names: ["a", "b"], of: Int32Array.of(0, 1) });
  });

  it("takes texts as hashed words", () => {
    expect([...readJsonl(file('{"x": "one two", "y": 0}'), options).inputs]).toEqual([
      ...words("one two", 20),
      0,
    ]);
  });

  it("names line and field of everything wrong", () => {
    const lines =
      '{"x": [1], "y": 0}\n[1]\n{"x": [1, 2], "y": 1}\n{"x": ["a"], "y": 1}\n{"x": [1], "y": null}\n';
    expect(() => readJsonl(file(lines), options)).toThrow(
      /:2: .*a JSON object\n.*:3: x: "2", expected the first's 1\n.*:4: x: .*numbers that float32 holds\n.*:5: y: null, expected a name/,
    );
    expect(() => readJsonl(file('{"x": [[1], [2, 3]], "y": 0}'), options)).toThrow(/lists of one length/);
  });
});

describe("a table with a schema", () => {
  const table = file("id,age,sex,income,who,y\n1,50,f,7,a,0\n2,30,m,9,b,1\n", "t.csv");

  it("scales numbers and spreads categories as it says: hand computed", () => {
    const schema = file(
      "columns: { age: { mean: 40, deviation: 5 }, sex: { categories: [f, m] }, income: }",
      "s.yaml",
    );
    const data = readCsv(table, { label: "y", schema, group: "who" });
    expect(data.inputShape).toEqual([4]);
    expect([...data.inputs]).toEqual([2, 1, 0, 7, -2, 0, 1, 9]);
    expect(data.groups!.names).toEqual(["a", "b"]);
  });

  it("leaves out what is ignored or a group", () => {
    const data = readCsv(table, { label: "y", ignore: ["id", "sex"], group: "who", scale: "none" });
    expect([...data.inputs]).toEqual([50, 7, 30, 9]);
    expect(() => readCsv(table, { label: "y", ignore: ["nope"] })).toThrow(/ignore: "nope", expected one of/);
  });

  it("names an unknown category and a schema that is none", () => {
    const schema = file("columns: { sex: { categories: [x, f] } }", "s.yaml");
    expect(() => readCsv(table, { label: "y", schema })).toThrow(
      /t.csv:3: column sex: "m", expected one of x, f/,
    );
    expect(() =>
      readCsv(table, { label: "y", schema: file("columns: { age: { mean: x } }", "s.yaml") }),
    ).toThrow('s.yaml: columns.age: {"mean":"x"}, expected columns:');
    expect(() => readCsv(table, { label: "y", schema: file("[1]", "s.yaml") })).toThrow(
      /s.yaml: \[1\], expected columns:/,
    );
    expect(() => readCsv(table, { label: "y", schema: file("columns: { nope: }", "s.yaml") })).toThrow(
      /a column named nope/,
    );
  });
});

describe("texts that ask for more memory than there may be", () => {
  it("are refused before it is taken", () => {
    const rows = 5000;
    const table = file(`t,y\n${"a,1\n".repeat(rows)}`, "t.csv");
    const text = { column: "t", steps: 65_536, vocabulary: 10 };
    expect(() => readCsv(table, { label: "y", text })).toThrow(/t.csv:1: "5000 examples of 65536 values"/);
    const lines = file('{"x": "a", "y": 1}\n'.repeat(rows), "t.jsonl");
    expect(() => readJsonl(lines, { input: "x", label: "y", text })).toThrow(/t.jsonl: "5000 examples of/);
  });

  it("lists in lists without end are a problem of their line", () => {
    for (const depth of [4, 5000, 200_000])
      for (const nested of [
        `${"[".repeat(depth)}1${"]".repeat(depth)}`,
        `[1, ${"[".repeat(depth)}${"]".repeat(depth)}]`,
      ])
        expect(() =>
          readJsonl(file(`{"x": ${nested}, "y": 1}\n`, "t.jsonl"), {
            input: "x",
            label: "y",
            text: { steps: 1, vocabulary: 2 },
          }),
        ).toThrow(ConfigError);
  });
});

describe("readRatings", () => {
  const options = {
    user: "user",
    item: "item",
    rating: "rating",
    first: 1,
    users: 3,
    items: 4,
    like: 4,
  } as const;

  it("makes tokens of users and items, users first: hand computed", () => {
    const data = readRatings(file("user,item,rating,when\n1,1,5,x\n3,4,3.5,y\n"), options);
    expect([...data.inputs]).toEqual([0, 3, 2, 6]);
    expect([...data.labels]).toEqual([1, 0]);
    expect(data.groups!.names).toEqual(["1", "3"]);
    expect([
      ...readRatings(file("user,item,rating\n0,3,4\n2,0,1\n"), { ...options, first: 0 }).inputs,
    ]).toEqual([0, 6, 2, 3]);
  });

  it("gives a user the same token whoever else is in the file: clients know of different ones", () => {
    const both = readRatings(file("user,item,rating\n0,0,4\n2,3,1\n"), { ...options, first: 0 });
    const one = readRatings(file("user,item,rating\n2,3,1\n"), { ...options, first: 0 });
    expect([...one.inputs]).toEqual([...both.inputs.subarray(2)]);
    expect(() => readRatings(file("user,item,rating\n0,1,4\n"), options)).toThrow(/"0", expected .* 1 to 3/);
  });

  it("names line and column of what is beyond the numbers told", () => {
    expect(() => readRatings(file("user,item,rating\n1,5,4\n4,1,x\n"), options)).toThrow(
      /:2: column item: "5", expected a whole number, 1 to 4\n.*:3: column user: "4".*\n.*:3: column rating: "x"/,
    );
  });
});
