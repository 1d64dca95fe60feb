import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { logMel, melFilters, transform } from "../../src/data/log-mel.ts";
import { parseWav, readWavs } from "../../src/data/wav.ts";
import { temporaryFolder } from "../temporary.ts";

interface Format {
  readonly kind: number;
  readonly channels: number;
  readonly rate: number;
  readonly bits: number;
}

function wav(data: Uint8Array, { kind, channels, rate, bits }: Format): Uint8Array {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + data.length, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(kind, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE((rate * channels * bits) / 8, 28);
  head.writeUInt16LE((channels * bits) / 8, 32);
  head.writeUInt16LE(bits, 34);
  head.write("data", 36);
  head.writeUInt32LE(data.length, 40);
  return Uint8Array.from([...head, ...data]);
}

const tone = (hertz: number, seconds: number, rate = 8000): Uint8Array =>
  new Uint8Array(
    Int16Array.from({ length: seconds * rate }, (_, i) => 20_000 * Math.sin((2 * Math.PI * hertz * i) / rate))
      .buffer,
  );
const mono = { kind: 1, channels: 1, rate: 8000, bits: 16 };

describe("parseWav", () => {
  it("reads samples of every width and averages channels: hand computed", () => {
    const stereo = parseWav(
      wav(new Uint8Array(Int16Array.of(16384, 0, -32768, -32768).buffer), { ...mono, channels: 2 }),
      "a",
    );
    expect([...stereo.samples]).toEqual([0.25, -1]);
    expect([...parseWav(wav(Uint8Array.of(0, 128, 192), { ...mono, bits: 8 }), "a").samples]).toEqual([
      -1, 0, 0.5,
    ]);
    expect([
      ...parseWav(wav(Uint8Array.of(0, 0, 0x40, 0, 0, 0x80), { ...mono, bits: 24 }), "a").samples,
    ]).toEqual([0.5, -1]);
    const float = new Uint8Array(Float32Array.of(0.125, -0.75).buffer);
    expect([...parseWav(wav(float, { ...mono, kind: 3, bits: 32 }), "a").samples]).toEqual([0.125, -0.75]);
  });

  it("refuses what is none, naming the file, and never throws anything else", () => {
    const good = wav(tone(440, 0.01), mono);
    expect(() => parseWav(good.subarray(0, 30), "x.wav")).toThrow(/x.wav: /);
    expect(() => parseWav(wav(tone(440, 0.01), { ...mono, bits: 12 }), "x")).toThrow(
      /PCM of 8, 16, 24 or 32/,
    );
    fc.assert(
      fc.property(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 }), (place, value) => {
        const bad = good.slice();
        bad[place] = value;
        try {
          parseWav(bad, "x");
        } catch (error) {
          expect((error as Error).name).toBe("ConfigError");
        }
      }),
    );
  });
});

describe("logMel", () => {
  it("transforms as the definition says", () => {
    const n = 16;
    const input = Array.from({ length: n }, (_, i) => Math.sin(i) + i / 7);
    const real = Float64Array.from(input);
    const imaginary = new Float64Array(n);
    transform(real, imaginary);
    for (let k = 0; k < n; k++) {
      const sum = (f: (angle: number) => number) =>
        input.reduce((total, x, i) => total + x * f((-2 * Math.PI * k * i) / n), 0);
      expect(real[k]).toBeCloseTo(sum(Math.cos), 10);
      expect(imaginary[k]).toBeCloseTo(sum(Math.sin), 10);
    }
  });

  it("has a band for every pitch: a tone is loudest where it belongs", () => {
    const filters = melFilters(32, 256, 8000);
    for (const hertz of [300, 800, 1500, 3000]) {
      const { samples } = parseWav(wav(tone(hertz, 0.3), mono), "a");
      const bands = [...logMel(samples, 8000, { frames: 1, bands: 32 })];
      const loudest = bands.indexOf(Math.max(...bands));
      const { from, weights } = filters[loudest]!;
      expect(hertz).toBeGreaterThan(((from - 2) * 8000) / 256);
      expect(hertz).toBeLessThan(((from + weights.length + 1) * 8000) / 256);
    }
  });

  it("has mean 0 and deviation 1 over its frames, and zeros after them", () => {
    const { samples } = parseWav(wav(tone(500, 0.2), mono), "a"); // 18 frames of 25 ms every 10 ms
    const values = logMel(samples, 8000, { frames: 30, bands: 8 });
    const within = values.subarray(0, 18 * 8);
    expect(within.reduce((sum, v) => sum + v, 0) / within.length).toBeCloseTo(0, 5);
    expect(within.reduce((sum, v) => sum + v * v, 0) / within.length).toBeCloseTo(1, 4);
    expect(values.subarray(18 * 8).every((v) => v === 0)).toBe(true);
    expect(logMel(new Float32Array(10), 8000, { frames: 2, bands: 8 }).every(Number.isFinite)).toBe(true);
  });
});

describe("readWavs", () => {
  it("takes class and speaker from the parts of a file's name", () => {
    const folder = temporaryFolder();
    for (const [name, hertz] of [
      ["3_ann_0", 300],
      ["0_bob_0", 600],
      ["3_bob_1", 900],
    ] as const)
      writeFileSync(join(folder, `${name}.wav`), wav(tone(hertz, 0.2), mono));
    const data = readWavs(folder, { label: 1, group: 2, frames: 10, bands: 8 });
    expect(data.inputShape).toEqual([10, 8]);
    expect([...data.labels]).toEqual([0, 3, 3]);
    expect(data.numClasses).toBe(4);
    const told = readWavs(folder, { label: 1, frames: 10, bands: 8, classes: 10 });
    expect([told.numClasses, ...told.labels]).toEqual([10, 0, 3, 3]);
    expect(() => readWavs(folder, { label: 1, frames: 10, bands: 8, classes: 3 })).toThrow(
      /3_ann_0.wav: 3, expected a class, 0 to 2/,
    );
    expect(data.groups).toEqual({ names: ["ann", "bob"], of: Int32Array.of(1, 0, 1) });
    expect(() => readWavs(folder, { label: 4, frames: 10, bands: 8 })).toThrow(
      /0_bob_0.wav: .*part 4 of the name/,
    );
    writeFileSync(join(folder, "4_zoe_0.wav"), wav(tone(300, 0.1, 16_000), { ...mono, rate: 16_000 }));
    expect(() => readWavs(folder, { label: 1, frames: 10, bands: 8 })).toThrow(
      /4_zoe_0.wav: "16000 Hz", expected 8000 Hz/,
    );
    expect(() => readWavs(temporaryFolder(), { label: 1, frames: 10, bands: 8 })).toThrow(
      /a folder of WAV files/,
    );
  });
});
