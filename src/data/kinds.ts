import type { Dataset } from "../model/dataset.ts";
import { type CsvOptions, readCsv } from "./csv.ts";
import { readIdx } from "./idx.ts";
import { readImages } from "./images.ts";
import { readJsonl } from "./jsonl.ts";
import type { Keys } from "./keys.ts";
import { mnist } from "./mnist.ts";
import { readNextCharacter } from "./next-character.ts";
import { readNpz } from "./npy.ts";
import { readRatings } from "./ratings.ts";
import { readWavs } from "./wav.ts";

/** A kind of data set that a reference can name. */
interface Kind {
  /** What stands after the colon; null where nothing does. */
  readonly location: string | null;
  /** What its keys ask for; nothing is read before the answer is called. */
  readonly open: (location: string, keys: Keys) => () => Dataset;
}

/** All readers by the word before the colon. */
export const kinds: Readonly<Record<string, Kind>> = {
  mnist: { location: null, open: () => mnist },
  idx: {
    location: "a folder: idx:DIR",
    open: (folder, keys) => {
      const options = defined({ pair: keys.word("pair"), numClasses: keys.count("classes", 2, 65_536) });
      return () => readIdx(folder, options);
    },
  },
  csv: {
    location: "a file: csv:FILE?label=COLUMN",
    open: (file, keys) => {
      const options = csvOptions(keys);
      return () => readCsv(file, options);
    },
  },
  ratings: {
    location: "a file: ratings:FILE?users=N&items=N",
    open: (file, keys) => {
      const options = {
        user: keys.word("user") ?? "user",
        item: keys.word("item") ?? "item",
        rating: keys.word("rating") ?? "rating",
        users: keys.count("users", 1, 2 ** 23) ?? missing(keys, "users"),
        items: keys.count("items", 1, 2 ** 23) ?? missing(keys, "items"),
        first: keys.oneOf("first", ["0", "1"]) === "0" ? 0 : 1,
        like: keys.number("like", Number.isFinite, "a rating") ?? 4,
        ...tableOptions(keys),
      } as const;
      return () => readRatings(file, options);
    },
  },
  jsonl: {
    location: "a file: jsonl:FILE?input=FIELD&label=FIELD",
    open: (file, keys) => {
      const options = {
        input: keys.needed("input", "the field that holds an example: ?input=FIELD"),
        label: keys.needed("label", "the field that holds the class: &label=FIELD"),
        ...defined({ classes: keys.classes("classes"), group: keys.word("group") }),
        text: textTokens(keys),
      };
      return () => readJsonl(file, options);
    },
  },
  npz: {
    location: "a file: npz:FILE",
    open: (file, keys) => {
      const options = defined({
        inputs: keys.word("inputs"),
        labels: keys.word("labels"),
        split: keys.word("split"),
        numClasses: keys.count("classes", 2, 65_536),
      });
      return () => readNpz(file, options);
    },
  },
  text: {
    location: "a file: text:FILE",
    open: (file, keys) => {
      const steps = keys.count("steps", 1, 65_536) ?? 80;
      const options = {
        steps,
        stride: keys.count("stride", 1, 2 ** 31 - 1) ?? steps,
        isPlay: keys.oneOf("play", ["yes", "no"]) === "yes",
      };
      return () => readNextCharacter(file, options);
    },
  },
  wav: {
    location: "a folder: wav:DIR?label=1",
    open: (folder, keys) => {
      const options = {
        label: keys.count("label", 1, 64) ?? 1,
        ...defined({ group: keys.count("group", 1, 64), classes: keys.classes("classes") }),
        frames: keys.count("frames", 1, 65_536) ?? 64,
        bands: keys.count("bands", 1, 256) ?? 32,
      };
      return () => readWavs(folder, options);
    },
  },
  images: {
    location: "a folder with a folder for each class: images:DIR",
    open: (folder, keys) => {
      const channels = keys.oneOf("channels", ["1", "3"]) === "3" ? 3 : 1;
      const classes = defined({ classes: keys.classes("classes") });
      const options = { size: keys.count("size", 1, 4096) ?? 28, channels, ...classes } as const;
      return () => readImages(folder, options);
    },
  },
};

function csvOptions(keys: Keys): CsvOptions {
  const label = keys.needed("label", "the column that holds the class: ?label=COLUMN");
  const column = keys.word("text");
  return {
    label,
    ...defined({
      classes: keys.classes("classes"),
      scale: keys.oneOf("scale", ["standard", "none"]),
      ignore: keys.word("ignore")?.split(","),
      group: keys.word("group"),
      schema: keys.word("schema"),
      text: column === undefined ? undefined : { column, ...textTokens(keys) },
    }),
    ...tableOptions(keys),
  };
}

const tableOptions = (keys: Keys) =>
  defined({
    separator: keys.oneOf("separator", ["comma", "tab", "semicolon"]),
    header: keys.oneOf("header", ["none"]),
  });

/** Notes that a number is missing. */
function missing(keys: Keys, key: string): number {
  keys.needed(key, `how many there are, for all clients: ${key}=N`);
  return 1;
}

const textTokens = (keys: Keys) => ({
  steps: keys.count("tokens", 1, 65_536) ?? 64,
  vocabulary: keys.count("vocabulary", 2, 2 ** 24) ?? 1000,
});

/** Without what is undefined. */
const defined = <T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
