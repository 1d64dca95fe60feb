import { Command } from "commander";
import { ConfigError, WireError } from "../model/error.ts";
import { printable, printableJson } from "../telemetry/format.ts";
import { describeFrame } from "../wire/describe.ts";
import { defaultLimits } from "../wire/limits.ts";
import { readFrameFile } from "./frame-file.ts";
import { size } from "./options.ts";

export const inspectCommand = (): Command =>
  new Command("inspect")
    .description("print a frame, checkpoint or student field by field")
    .argument("<file>", "a .fpz file or a raw frame")
    .option("--frame-bytes <size>", "largest frame to read", size, defaultLimits.frameBytes)
    .option("--json", "one JSON object on stdout")
    .action((file: string, { frameBytes, json }: { frameBytes: number; json?: boolean }) => {
      const bytes = read(file, frameBytes);
      const fields = describeFrame(bytes, { ...defaultLimits, frameBytes });
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

function read(file: string, frameBytes: number): Uint8Array {
  try {
    return readFrameFile(file, frameBytes);
  } catch (error) {
    if (error instanceof WireError) throw error;
    throw new ConfigError([{ path: "FILE", value: (error as Error).message, expected: "a readable file" }]);
  }
}
