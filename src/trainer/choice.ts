import type { OwnModel } from "./own/own-model.ts";

/** What trains: our kernels on tfjs' wasm backend, tfjs-node where the user installed it, or tfjs in plain JavaScript. */
export const engineNames = ["wasm", "node", "cpu"] as const;
export type EngineName = (typeof engineNames)[number];

/** `auto` is wasm, or cpu where WebAssembly cannot be opened. */
export const engineChoices = ["auto", ...engineNames] as const;
export type EngineChoice = (typeof engineChoices)[number];

export interface TrainerOptions {
  /** Default: auto. */
  readonly engine?: EngineChoice;
  /** Hears, once, of an engine that is much too slow; by default a line on stderr. */
  readonly warn?: (line: string) => void;
  /** Models beside the zoo's. */
  readonly own?: readonly OwnModel[];
}

export const warnOnStderr = (line: string): void => {
  process.stderr.write(`warning: ${line}\n`);
};
