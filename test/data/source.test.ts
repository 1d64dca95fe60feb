import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { placedIn } from "../../src/data/reference.ts";
import { type DataConfig, loadFederated, loadHoldout } from "../../src/data/source.ts";
import { loadClientData } from "../../src/data/spec.ts";
import { countOf, type Dataset } from "../../src/model/dataset.ts";
import { temporaryFolder } from "../temporary.ts";

/** 120 rows, x is the row's own number, three classes. */
function table(): string {
  const path = join(temporaryFolder(), "rows.csv");
  const rows = Array.from({ length: 120 }, (_, i) => `${i},${"abc"[i % 3]}`);
  writeFileSync(path, ["x,kind", ...rows].join("\n"));
  return path;
}

const source = `csv:${table()}?label=kind&scale=none`;
const data: DataConfig = { source, holdout: { test: 0.1, transfer: 0.05 }, partition: { dirichlet: 0.5 } };
const rowsOf = (dataset: Dataset | null): number[] => [...dataset!.inputs];

describe("loadFederated", () => {
  it("gives every row to one client, the test or the transfer split", async () => {
    const { clients, test, transfer } = await loadFederated(data, 4, 9);
    const rows = [...clients.flatMap((client) => rowsOf(client)), ...rowsOf(test), ...rowsOf(transfer)];
    expect(rows.sort((a, b) => a - b)).toEqual([...Array(120).keys()]);
    expect(countOf(test!)).toBe(12);
    expect(countOf(transfer!)).toBe(6);
    expect(test!.inputs.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(await loadHoldout(data, 9)).toEqual({ test, transfer });
  });

  it("holds nothing out when told so", async () => {
    const { clients, test, transfer } = await loadFederated(
      { ...data, holdout: { test: 0, transfer: 0 } },
      3,
      1,
    );
    expect(test).toBeNull();
    expect(transfer).toBeNull();
    expect(clients.reduce((sum, client) => sum + countOf(client), 0)).toBe(120);
  });

  it("names the part of a source that is wrong", async () => {
    const load = (text: string) => loadHoldout({ ...data, source: text }, 1);
    await expect(load("mnits")).rejects.toThrow(
      /data.source: "mnits", expected mnist or idx:DIR or csv:FILE/,
    );
    await expect(load("csv:rows.csv")).rejects.toThrow(/data.source: label: missing/);
    await expect(load("mnist:1/2")).rejects.toThrow(/shares are for clients/);
    await expect(load(`${source}&seed=3`)).rejects.toThrow(/data.source: seed: "3", expected one of label/);
  });
});

describe("loadClientData", () => {
  it("is the share that the simulation deals, for each partition", async () => {
    for (const [partition, key] of [
      [{ dirichlet: 0.5 }, "dirichlet=0.5"],
      [{ dirichlet: 2 }, "dirichlet=2"],
      ["iid", "partition=iid"],
    ] as const) {
      const { clients } = await loadFederated({ ...data, partition }, 4, 9);
      for (let k = 1; k <= 4; k++)
        expect(await loadClientData(`${source}&share=${k}/4&${key}&seed=9&holdout=0.15`)).toEqual(
          clients[k - 1],
        );
    }
  });

  it("is the simulation's share of the real digits, with the config's defaults for what is left out", async () => {
    const config: DataConfig = {
      source: "mnist",
      holdout: { test: 0.1, transfer: 0.1 },
      partition: { dirichlet: 0.5 },
    };
    const { clients, test } = await loadFederated(config, 10, 1);
    expect(countOf(test!)).toBe(1000);
    for (const spec of ["mnist:3/10?dirichlet=0.5&seed=1&holdout=0.2", "mnist:3/10"]) {
      const { inputs, labels } = await loadClientData(spec);
      expect(labels).toEqual(clients[2]!.labels);
      expect(inputs.every((value, i) => value === clients[2]!.inputs[i])).toBe(true);
    }
    expect(countOf(await loadClientData("mnist"))).toBe(8000);
  });

  it("is everything when a source is the client's own", async () => {
    expect(countOf(await loadClientData(source))).toBe(120);
    expect(countOf(await loadClientData(`${source}&holdout=0.1`))).toBe(108);
  });

  it("names every part that is wrong", async () => {
    await expect(loadClientData("mnist:11/10?holdout=1&seed=-1&alpha=3")).rejects.toThrow(
      /share: "11\/10".*holdout: "1"/s,
    );
    await expect(loadClientData("mnist:11/10?alpha=3")).rejects.toThrow(
      /data spec: alpha: "3", expected one of share, partition, dirichlet/,
    );
    for (const [spec, message] of [
      ["mnist:0/10", /share: "0\/10", expected K\/N/],
      ["mnist:three", /share: "three"/],
      ["mnist:1/2?share=1/2", /one share/],
      ["mnist:1/2?dirichlet=0", /dirichlet: "0", expected a number above 0/],
      ["mnist:1/2?dirichlet=1&partition=iid", /partition: \["iid",/],
      ["mnist:1/2?seed=1&seed=2", /seed: "2", expected a key once/],
      ["mnist:1/2?seed", /data spec: seed: "seed", expected KEY=VALUE/],
      ["idx:", /idx: "", expected a folder/],
      ["idx:digits?classes=1", /classes: "1", expected a whole number, 2 to 65536/],
      ["csv:a.csv?label=y&dirichlet=1", /a share, for there is nothing to divide/],
      ["csv:a.csv?label=y&scale=log", /scale: "log"/],
      ["parquet:x", /data spec: "parquet"/],
      ["mnist:1/2?seed=%zz", /KEY=VALUE/],
    ] as const)
      await expect(loadClientData(spec)).rejects.toThrow(message);
  });
});

describe("placedIn", () => {
  it("puts a relative place into a folder and leaves all else alone", () => {
    expect(placedIn("npz:a/b.npz?split=train", "/data")).toBe("npz:/data/a/b.npz?split=train");
    expect(placedIn("csv:/x/y.csv?label=y", "/data")).toBe("csv:/x/y.csv?label=y");
    expect(placedIn("mnist", "/data")).toBe("mnist");
    expect(placedIn("csv:a.csv?label=y&schema=s/a&b.yaml", "/data")).toBe(
      "csv:/data/a.csv?label=y&schema=%2Fdata%2Fs%2Fa&b.yaml",
    );
    expect(placedIn("csv:/x/a.csv?schema=/y/s.yaml&label=y", "/data")).toBe(
      "csv:/x/a.csv?schema=/y/s.yaml&label=y",
    );
  });

  it("takes folders with question marks and colons in their names", async () => {
    const folder = join(temporaryFolder(), "what?:x=1");
    mkdirSync(folder);
    writeFileSync(join(folder, "a.txt"), "abcdef".repeat(40));
    const placed = placedIn("text:a.txt", folder);
    expect(countOf(await loadClientData(placed))).toBe(2);
    expect(placedIn("text:a.txt?steps=2", folder)).toBe(`text:${folder}/a.txt?steps=2`);
  });
});

describe("a test set of its own", () => {
  it("is measured on as it is, with the source's classes", async () => {
    const own = { ...data, test: source, holdout: { test: 0, transfer: 0.05 } };
    expect(countOf((await loadHoldout(own, 1)).test!)).toBe(120);
    await expect(loadHoldout({ ...own, test: "mnist" }, 1)).rejects.toThrow(
      /data.test: .*28x28x1.*1, 3 classes/,
    );
  });

  it("has the source's classes by their names, whichever of them it holds", async () => {
    const file = join(temporaryFolder(), "few.csv");
    writeFileSync(file, "x,kind\n1,c\n2,b\n3,c\n");
    const own = (test: string) => ({ ...data, test, holdout: { test: 0, transfer: 0 } });
    const { test } = await loadHoldout(own(`csv:${file}?label=kind&scale=none`), 1);
    expect([test!.numClasses, ...test!.labels]).toEqual([3, 2, 1, 2]);
    writeFileSync(file, "x,kind\n1,c\n2,d\n");
    await expect(loadHoldout(own(`csv:${file}?label=kind&scale=none`), 1)).rejects.toThrow(
      /data.test: .*few.csv.*: class d", expected classes as in data.source: a, b, c/,
    );
    writeFileSync(file, "x,kind\n1,0\n2,1\n");
    await expect(loadHoldout(own(`csv:${file}?label=kind&scale=none`), 1)).rejects.toThrow(
      /with no names.*, with names/,
    );
  });

  it("is scaled as the source is, or refused", async () => {
    const own = (test: string) => ({ ...data, test, holdout: { test: 0, transfer: 0 } });
    await expect(loadHoldout(own(source.replace("&scale=none", "")), 1)).rejects.toThrow(
      /data.test: scale: .*schema=FILE or scale=none/,
    );
    const scaled = { ...own(source), source: source.replace("&scale=none", "") };
    await expect(loadHoldout(scaled, 1)).rejects.toThrow(/data.source: scale/);
  });
});
