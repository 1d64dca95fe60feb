import { derive } from "../model/rng.ts";

/** A simulated device and its link. Training time is modelled from it, never measured. */
export interface Device {
  readonly samplesPerSecond: number;
  readonly latencyMs: number;
  readonly uplinkBytesPerSecond: number;
  readonly downlinkBytesPerSecond: number;
}

/** Devices that differ by up to eight times, as phones do; the same for the same seed. */
export function device(seed: number, client: number): Device {
  const rng = derive(seed, "device", client);
  const between = (low: number, doublings: number): number => low * 2 ** (doublings * rng.uniform());
  return {
    samplesPerSecond: between(500, 3),
    latencyMs: between(20, 3),
    uplinkBytesPerSecond: between(64_000, 3),
    downlinkBytesPerSecond: between(256_000, 3),
  };
}
