// Makes src/generated from proto/: the messages' types, and the service as a value, so that no .proto file is read at
// run time. With --check it writes nothing and fails when what is there is out of date.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const loader = dirname(require.resolve("@grpc/proto-loader/package.json"));
// The copy of protobufjs that proto-loader itself runs on.
const protobuf = createRequire(join(loader, "package.json"))("protobufjs");

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const entry = "fedpress/v1/coordinator.proto";
const target = join(root, "src/generated");

// What the types are made for; the service is loaded with the same.
const options = { longs: Number, enums: String, defaults: true, oneofs: true };

function generate(folder) {
  const flags = ["--longs=Number", "--enums=String", "--defaults", "--oneofs", "--importFileExtension=.ts"];
  const args = [entry, ...flags, "--grpcLib=@grpc/grpc-js", `--outDir=${folder}`, "--includeDirs=proto"];
  execFileSync(process.execPath, [join(loader, "build/bin/proto-loader-gen-types.js"), ...args], {
    cwd: root,
  });
  writeFileSync(join(folder, "service.ts"), serviceModule());
}

function serviceModule() {
  const parsed = new protobuf.Root();
  parsed.resolvePath = (_origin, path) => join(root, "proto", path);
  parsed.loadSync(entry).resolveAll();
  const settings = Object.entries(options).map(([key, value]) => `${key}: ${value.name ?? value}`);
  return `// Made by scripts/generate.mjs from proto/fedpress/v1.
import { loadPackageDefinition } from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import type { ProtoGrpcType } from "./coordinator.ts";

const descriptor: object = ${JSON.stringify(parsed.toJSON(), null, 2)};

const loaded = loadPackageDefinition(fromJSON(descriptor, { ${settings.join(", ")} }));

/** The client's constructor; \`.service\` is what a server implements. */
export const Coordinator = (loaded as unknown as ProtoGrpcType).fedpress.v1.Coordinator;
`;
}

function filesOf(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = entries.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  return new Map(paths.sort().map((path) => [path.slice(folder.length + 1), readFileSync(path, "utf8")]));
}

function check() {
  const fresh = mkdtempSync(join(tmpdir(), "fedpress-generate-"));
  try {
    generate(fresh);
    const [expected, actual] = [filesOf(fresh), filesOf(target)];
    const names = [...new Set([...expected.keys(), ...actual.keys()])];
    const stale = names.filter((name) => expected.get(name) !== actual.get(name));
    if (stale.length === 0) return;
    console.error(`src/generated is out of date, run \`npm run generate\`:\n  ${stale.join("\n  ")}`);
    process.exitCode = 1;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

if (process.argv.includes("--check")) {
  check();
} else {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  generate(target);
}
