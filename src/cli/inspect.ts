import { readFileSync } from "node:fs";
import { Command } from "commander";
import { ConfigError } from "../model/error.ts";
import { printable, printableJson } from "../telemetry/format.ts";
import { describeFrame } from "../wire/describe.ts";
import { defaultLimits } from "../wire/limits.ts";

export const inspectCommand = (): Command =>
  new Command("inspect")
    .description("print a frame, checkpoint or student field by field")
    .argument("<file>", "a .fpz file or a raw frame")
    .option("--json", "one JSON object on stdout")
    .action((file: string, { json }: { json?: boolean }) => {
      const bytes = read(file);
      const fields = describeFrame(bytes, defaultLimits);
      if (json) {
        process.stdout.write(`${printableJson({ file, bytes: bytes.length, fields })}\n`);
        return;
      }
      const width = Math.max(...fields.map(({ field }) => field.length));
      process.stdout.write(`${file}: ${bytes.length} bytes\n`);
      for (const { offset, length, field, value } of fields)
        process.stdout.write(
          `${String(offset).padStart(8)} ${`+${length}`.padStart(7)}  ${printable(field).padEnd(width)}  ${printable(String(value))}\n`,
        );
    });

function read(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ConfigError([{ path: "FILE", value: (error as Error).message, expected: "a readable file" }]);
  }
}
