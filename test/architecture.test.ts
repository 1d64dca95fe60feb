import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const src = fileURLToPath(new URL("../src", import.meta.url));

/** What each room may import besides itself: docs/architecture.md. */
const mayImport: Record<string, readonly string[] | "anything"> = {
  model: [],
  kernels: [],
  compress: ["model", "kernels"],
  aggregation: ["model", "kernels"],
  trainer: ["model", "kernels"],
  data: ["model"],
  telemetry: ["model"],
  wire: ["model", "compress"],
  distill: ["model", "compress", "wire", "trainer"],
  generated: [],
  coordinator: ["model", "compress", "wire", "aggregation", "telemetry", "generated"],
  pipeline: ["model", "data", "trainer", "distill", "wire"],
  client: ["model", "compress", "wire", "trainer", "data", "telemetry", "generated"],
  simulation: "anything",
  cli: "anything",
};

/** Rooms, or files of them, that would run in a browser: nothing of Node, no time and no chance but by port. */
const nodeFree = /^(model|kernels|compress|aggregation|wire)\/|^coordinator\/(?!grpc)|^client\/(?!grpc)/;
const impure =
  /\b(Date\.|new Date|Math\.random|setTimeout|setInterval|setImmediate|performance\.|crypto\.|process\.|Buffer\b)/;

/** Packages that stay behind one door. */
const confined: Record<string, RegExp> = {
  "@grpc/": /^(coordinator|client)\/grpc|^generated\//,
  protobufjs: /^(coordinator|client)\/grpc|^generated\//,
  "@nats-io/": /^telemetry\/nats/,
  "@tensorflow/": /^trainer\//,
  commander: /^cli\//,
  yaml: /^(cli|simulation)\/|^data\/features/,
  zod: /^coordinator\/config|^telemetry\/|^data\/features/,
  fflate: /^data\/npy/,
  pngjs: /^data\/images/,
  "jpeg-js": /^data\/images/,
};

interface SourceFile {
  readonly path: string;
  readonly room: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const files: readonly SourceFile[] = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !path.startsWith("kernels/as/"))
  .map((path) => {
    const text = readFileSync(join(src, path), "utf8");
    const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1]!);
    return { path, room: path.split("/")[0]!, text, imports };
  });

const target = (file: SourceFile, specifier: string) =>
  relative(src, normalize(join(src, dirname(file.path), specifier)));

test("there are files, and every room is in the table", () => {
  expect(files.length).toBeGreaterThan(50);
  for (const { room, path } of files) expect(mayImport, path).toHaveProperty(room);
});

test("rooms import what the table allows", () => {
  const wrong: string[] = [];
  for (const file of files)
    for (const specifier of file.imports.filter((s) => s.startsWith("."))) {
      const to = target(file, specifier).split("/")[0]!;
      const allowed = mayImport[file.room]!;
      if (to !== file.room && to !== ".." && allowed !== "anything" && !allowed.includes(to))
        wrong.push(`${file.path} imports ${specifier}`);
    }
  expect(wrong).toEqual([]);
});

test("the Node-free rooms use nothing of Node, no clock and no chance", () => {
  const wrong: string[] = [];
  for (const { path, text, imports } of files.filter(({ path }) => nodeFree.test(path))) {
    for (const specifier of imports.filter((s) => s.startsWith("node:")))
      wrong.push(`${path} imports ${specifier}`);
    const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    const found = impure.exec(code);
    if (found) wrong.push(`${path} uses ${found[0]}`);
  }
  expect(wrong).toEqual([]);
});

test("packages stay behind their doors", () => {
  const wrong: string[] = [];
  for (const { path, imports } of files)
    for (const specifier of imports)
      for (const [prefix, door] of Object.entries(confined))
        if (specifier === prefix || specifier.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`))
          if (!door.test(path)) wrong.push(`${path} imports ${specifier}`);
  expect(wrong).toEqual([]);
});

test("durable files are written in one place", () => {
  const writers = files.filter(({ text }) => /\.sync\(\)|fsync/.test(text)).map(({ path }) => path);
  expect(writers).toEqual(["cli/node-disk.ts"]);
});
