// Compiles src/kernels/as to WebAssembly and writes it, as base64, to src/kernels/kernels.wasm.ts; and likewise
// src/kernels/as/codec to src/kernels/codec.wasm.ts, a module of its own because a codec needs no training.
// With --check it compiles again and fails when those files are not what the sources give.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import asc from "assemblyscript/asc";

const MODULES = [
  { folder: "src/kernels/as", target: "src/kernels/kernels.wasm.ts", name: "kernelsBase64" },
  { folder: "src/kernels/as/codec", target: "src/kernels/codec.wasm.ts", name: "codecBase64" },
];

for (const { folder, target, name } of MODULES) {
  const compiled = await compile(`${folder}/index.ts`);
  checkModule(compiled, folder);
  const text = moduleText(compiled, folder, name);
  if (process.argv.includes("--check")) {
    if (read(target) !== text) fail(`${target} is not what ${folder} compiles to: run npm run kernels`);
  } else {
    writeFileSync(target, text);
    console.log(`${target}: ${compiled.length} bytes of WebAssembly`);
  }
}

async function compile(source) {
  const folder = mkdtempSync(join(tmpdir(), "kernels-"));
  try {
    const out = join(folder, "kernels.wasm");
    const flags = ["-O3", "--converge", "--noAssert", "--runtime", "stub", "--use", "abort="];
    const memory = ["--importMemory", "--maximumMemory", "65536", "--enable", "simd"];
    const { error, stderr } = await asc.main([source, "-o", out, ...flags, ...memory]);
    if (error) fail(`${stderr.toString()}\n${error.message}`);
    return readFileSync(out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The module lives in memory that belongs to another: it must bring no data of its own and need nothing else. */
function checkModule(bytes, folder) {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes)).map(
    (i) => `${i.module}.${i.name}`,
  );
  if (imports.join() !== "env.memory")
    fail(`${folder} imports ${imports.join(", ")}, only env.memory is allowed`);
  const DATA = 11;
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at++];
    if (id === DATA) fail(`${folder} has a data section, which would overwrite the owner's memory`);
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    at += size;
  }
}

function moduleText(bytes, folder, name) {
  const lines = bytes.toString("base64").match(/.{1,108}/g);
  return `// Generated from ${folder} by scripts/kernels.mjs; do not edit. Compiled by AssemblyScript, ${bytes.length} bytes.
export const ${name} = \`
${lines.join("\n")}
\`;
`;
}

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
