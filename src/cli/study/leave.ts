import type { Disk } from "../../model/disk.ts";

/** What a study leaves in its run folder, beside its cache: study.json, study.md and study.svg. */
export async function leave(
  disk: Disk,
  { json, table, svg }: { readonly json: string; readonly table: string; readonly svg: string },
): Promise<void> {
  for (const [name, text] of [
    ["study.json", json],
    ["study.md", `${table}\n`],
    ["study.svg", svg],
  ] as const)
    await disk.write(name, new TextEncoder().encode(text));
}
