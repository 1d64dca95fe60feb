import { readFileSync } from "node:fs";
import { parse, parseDocument } from "yaml";
import { type Config, parseConfig } from "../coordinator/config/config.ts";
import { placedIn } from "../data/reference.ts";
import { ConfigError } from "../model/error.ts";

export interface Overrides {
  /** `a.b=value`, the value in YAML. */
  readonly set: readonly string[];
  readonly seed?: number;
  /** The folder that the files of the data section are in. */
  readonly data?: string;
}

/** Reads a config file, applies what the command line sets, and checks the whole. Throws ConfigError. */
export function loadConfig(file: string, { set, seed, data: folder }: Overrides): Config {
  const document = readYaml(file);
  for (const assignment of set) assign(document, assignment);
  if (seed !== undefined) document.seed = seed;
  const config = parseConfig(document);
  if (folder === undefined || config.data === null) return config;
  const { source, test } = config.data;
  const data = { ...config.data, source: placedIn(source, folder), test: test && placedIn(test, folder) };
  return { ...config, data };
}

type Tree = Record<string, unknown>;

function readYaml(file: string): Tree {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError([
      { path: file, value: (error as Error).message, expected: "a readable YAML file" },
    ]);
  }
  const document = parseDocument(text, { prettyErrors: true });
  if (document.errors.length > 0)
    throw new ConfigError(
      document.errors.map(({ message }) => ({
        path: file,
        value: message.split("\n")[0],
        expected: "valid YAML",
      })),
    );
  const tree = document.toJS() ?? {};
  if (typeof tree !== "object" || Array.isArray(tree))
    throw new ConfigError([{ path: file, value: tree, expected: "a map of settings" }]);
  return tree as Tree;
}

/** Sets `a.b.0.c=value` in place, making the maps on the way. */
function assign(document: Tree, assignment: string): void {
  const equals = assignment.indexOf("=");
  const keys = assignment.slice(0, Math.max(0, equals)).split(".");
  const bad = (expected: string) => new ConfigError([{ path: "--set", value: assignment, expected }]);
  if (equals < 1 || keys.some((key) => key === "" || key === "__proto__")) throw bad("a.b=value");
  let value: unknown;
  try {
    value = parse(assignment.slice(equals + 1));
  } catch {
    throw bad("a value in YAML after the =");
  }
  let node = document;
  for (const key of keys.slice(0, -1)) {
    node[key] ??= {};
    if (typeof node[key] !== "object") throw bad(`a map or list at ${key}`);
    node = node[key] as Tree;
  }
  node[keys.at(-1)!] = value;
}
