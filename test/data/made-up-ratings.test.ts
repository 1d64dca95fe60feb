import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { placedIn } from "../../src/data/reference.ts";
import { type DataConfig, loadFederated } from "../../src/data/source.ts";
import { countOf } from "../../src/model/dataset.ts";
import { temporaryFolder } from "../temporary.ts";

test("the table that an example makes up is one that it reads: every user with one client, half of all liked", async () => {
  const folder = temporaryFolder();
  const said = execFileSync(process.execPath, ["examples/ratings/make.mjs", folder], { encoding: "utf8" });
  expect(said).toMatch(/u\.data: 100000 ratings; .* right of 84\.\d %/);
  const { data }: { data: DataConfig } = parse(readFileSync("examples/ratings.yaml", "utf8"));
  const placed = { ...data, source: placedIn(data.source, folder) };
  const { clients, test: held, transfer } = await loadFederated(placed, 50, 1);
  const all = [...clients, held!, transfer!];
  expect(all.reduce((sum, dataset) => sum + countOf(dataset), 0)).toBe(100_000);
  const owners = clients.map(({ inputs }) => new Set(inputs.filter((_, i) => i % 2 === 0)));
  expect(owners.reduce((sum, { size }) => sum + size, 0)).toBe(
    new Set(owners.flatMap((one) => [...one])).size,
  );
  const liked = all.reduce((sum, { labels }) => sum + labels.reduce((a, b) => a + b, 0), 0);
  expect(liked).toBe(34_174 + 21_201);
});
