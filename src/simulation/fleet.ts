import type { Config } from "../coordinator/config/config.ts";
import { derive, permutation } from "../model/rng.ts";
import type { DeviceProfile, SubModel } from "../model/submodel.ts";

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

/**
 * What the clients' devices say of themselves, by the shares of the fleet, dealt out at random: the same for the same
 * seed. Null for those that say nothing.
 */
export function declared(
  fleet: Config["fleet"],
  subModels: readonly SubModel[],
  numClients: number,
  seed: number,
): readonly (DeviceProfile | null)[] {
  const order = permutation(numClients, derive(seed, "fleet"));
  const kinds = Array<DeviceProfile | null>(numClients).fill(null);
  let from = 0;
  let share = 0;
  for (const kind of fleet) {
    share += kind.share;
    const to = Math.min(numClients, Math.round(share * numClients));
    for (; from < to; from++) kinds[order[from]!] = profileOf(kind, subModels);
  }
  return kinds;
}

function profileOf(
  { width, memory, uplink }: Config["fleet"][number],
  subModels: readonly SubModel[],
): DeviceProfile {
  const needed = subModels.find((subModel) => subModel.width === width)?.memoryBytes;
  const memoryBytes = memory ?? needed;
  return {
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(uplink !== undefined && { uplinkBytesPerSecond: uplink }),
  };
}
