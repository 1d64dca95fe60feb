// Compiles src/kernels/as to WebAssembly and writes it, as base64, to src/kernels/kernels.wasm.ts.
// With --check it compiles again and fails when that file is not what the sources give.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import asc from "assemblyscript/asc";

const SOURCE = "src/kernels/as/index.ts";
const TARGET = "src/kernels/kernels.wasm.ts";

const compiled = await compile();
checkModule(compiled);
const text = moduleText(compiled);
if (process.argv.includes("--check")) {
  if (read(TARGET) !== text) fail(`${TARGET} is not what src/kernels/as compiles to: run npm run kernels`);
} else {
  writeFileSync(TARGET, text);
  console.log(`${TARGET}: ${compiled.length} bytes of WebAssembly`);
}

async function compile() {
  const folder = mkdtempSync(join(tmpdir(), "kernels-"));
  try {
    const out = join(folder, "kernels.wasm");
    const flags = ["-O3", "--converge", "--noAssert", "--runtime", "stub", "--use", "abort="];
    const memory = ["--importMemory", "--maximumMemory", "65536", "--enable", "simd"];
    const { error, stderr } = await asc.main([SOURCE, "-o", out, ...flags, ...memory]);
    if (error) fail(`${stderr.toString()}\n${error.message}`);
    return readFileSync(out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The module lives in memory that belongs to another: it must bring no data of its own and need nothing else. */
function checkModule(bytes) {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes)).map(
    (i) => `${i.module}.${i.name}`,
  );
  if (imports.join() !== "env.memory")
    fail(`the kernels import ${imports.join(", ")}, only env.memory is allowed`);
  const DATA = 11;
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at++];
    if (id === DATA) fail("the kernels have a data section, which would overwrite the owner's memory");
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    at += size;
  }
}

function moduleText(bytes) {
  const lines = bytes.toString("base64").match(/.{1,108}/g);
  return `// Generated from src/kernels/as by scripts/kernels.mjs; do not edit. Compiled by AssemblyScript, ${bytes.length} bytes.
export const kernelsBase64 = \`
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
