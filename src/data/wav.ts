import { join } from "node:path";
import type { Dataset } from "../model/dataset.ts";
import { inputsFor, listNames, problem, readBytes } from "./files.ts";
import { groupsOf } from "./groups.ts";
import { type NamedClasses, namedClasses } from "./labels.ts";
import { logMel } from "./log-mel.ts";

export interface WavOptions {
  /** Which part of a file's name, from 1, divided by `_`, is the class. */
  readonly label: number;
  /** Which part is the speaker; left out: nobody is told apart. */
  readonly group?: number;
  /** Frames of 10 ms of one example: a longer recording is cut, a shorter one is followed by silence. */
  readonly frames: number;
  /** Bands of the mel scale. */
  readonly bands: number;
  /** Which classes there are, for a client that may have no recording of one; left out: those that there are. */
  readonly classes?: NamedClasses;
}

/** Ten minutes at 48 kHz, 32 bits, two channels. */
const MAX_WAV_BYTES = 2 ** 28;

/**
 * A folder of recordings such as `7_jackson_32.wav`: log-mel frames [frames, bands], each recording brought to mean 0 and
 * deviation 1. All have one sample rate. Throws ConfigError naming the file.
 */
export function readWavs(folder: string, { label, group, frames, bands, classes }: WavOptions): Dataset {
  const files = listNames(folder, "a folder of WAV files").filter((file) => /\.wav$/i.test(file));
  if (files.length === 0) throw problem(folder, "no .wav file", "a folder of WAV files");
  const size = frames * bands;
  const inputs = inputsFor(folder, files.length, size);
  let rate: number | null = null;
  files.forEach((file, i) => {
    const path = join(folder, file);
    const sound = parseWav(readBytes(path, "a WAV file", MAX_WAV_BYTES), path);
    rate ??= sound.sampleRate;
    if (sound.sampleRate !== rate)
      throw problem(path, `${sound.sampleRate} Hz`, `${rate} Hz, as ${files[0]} has`);
    inputs.set(logMel(sound.samples, sound.sampleRate, { frames, bands }), i * size);
  });
  const part = (file: string, number: number, what: string): string => {
    const found = file.replace(/\.wav$/i, "").split("_")[number - 1];
    if (!found)
      throw problem(join(folder, file), file, `${what} as part ${number} of the name, divided by _`);
    return found;
  };
  const speakers = group === undefined ? null : files.map((file) => part(file, group, "a speaker"));
  return {
    inputShape: [frames, bands],
    inputs,
    ...namedClasses(
      files.map((file) => part(file, label, "a class")),
      classes,
      (i) => join(folder, files[i]!),
    ),
    ...(speakers && { groups: groupsOf(speakers) }),
  };
}

interface Sound {
  readonly sampleRate: number;
  /** -1 to 1, channels averaged. */
  readonly samples: Float32Array;
}

/** RIFF WAVE: PCM of 8 to 32 bits, or 32-bit float. Throws ConfigError naming `path`. */
export function parseWav(bytes: Uint8Array, path: string): Sound {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const tag = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 12 || tag(0) !== "RIFF" || tag(8) !== "WAVE")
    throw problem(path, `${bytes.length} bytes`, "a RIFF WAVE file");
  let format: { kind: number; channels: number; sampleRate: number; bits: number } | null = null;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    const start = at + 8;
    if (tag(at) === "fmt " && length >= 16 && start + length <= bytes.length) {
      const kind = view.getUint16(start, true);
      format = {
        kind: kind === 0xfffe && length >= 26 ? view.getUint16(start + 24, true) : kind, // extensible: the subformat's
        channels: view.getUint16(start + 2, true),
        sampleRate: view.getUint32(start + 4, true),
        bits: view.getUint16(start + 14, true),
      };
    }
    if (tag(at) === "data") {
      const { kind, channels, sampleRate, bits } = format ?? { kind: 0, channels: 0, sampleRate: 0, bits: 0 };
      const read = readers[`${kind === 3 ? "float" : kind === 1 ? "pcm" : kind}${bits}`];
      if (!read || channels < 1 || channels > 16 || sampleRate < 1000 || sampleRate > 384_000)
        throw problem(
          path,
          format,
          `PCM of 8, 16, 24 or 32 bits or float of 32, 1 to 16 channels, 1 to 384 kHz`,
        );
      const step = bits / 8;
      // recorders that were cut off leave a length that is too long
      const count = Math.floor(Math.min(length, bytes.length - start) / (step * channels));
      if (count === 0) throw problem(path, "no samples", "a recording");
      const samples = new Float32Array(count);
      for (let i = 0; i < count; i++) {
        let sum = 0;
        for (let c = 0; c < channels; c++) sum += read(view, start + step * (i * channels + c));
        samples[i] = sum / channels;
      }
      if (!samples.every(Number.isFinite)) throw problem(path, "NaN or infinity", "samples that are numbers");
      return { sampleRate, samples };
    }
    at = start + length + (length % 2);
  }
  throw problem(path, `${bytes.length} bytes`, "a chunk of data");
}

const readers: Readonly<Record<string, (view: DataView, at: number) => number>> = {
  pcm8: (view, at) => (view.getUint8(at) - 128) / 128,
  pcm16: (view, at) => view.getInt16(at, true) / 2 ** 15,
  pcm24: (view, at) => ((view.getUint16(at, true) << 8) + (view.getInt8(at + 2) << 24)) / 2 ** 31,
  pcm32: (view, at) => view.getInt32(at, true) / 2 ** 31,
  float32: (view, at) => view.getFloat32(at, true),
};
