import type { Manifest } from "../model/manifest.ts";
import type { Params, Tensor } from "../model/tensor.ts";
import { quantum, type Tally } from "./tally.ts";

/**
 * Senders over owners: `ΔW_j = Σ nᵢ·sentᵢⱼ·Δᵢⱼ / Σ nᵢ·ownedᵢⱼ`. What an owner left out of its payload is a zero
 * (plain FedAvg under error feedback); what a client does not own is no vote (HeteroFL, Diao et al., 2021). A
 * coordinate that nobody owned keeps its value: delta 0.
 */
export function sendersOverOwners(tally: Tally, manifest: Manifest): Params {
  const step = quantum(tally.grid);
  const delta = new Map<string, Tensor>();
  for (const { name, shape } of manifest.tensors) {
    const { sum, owners } = tally.tensors.get(name)!;
    const data = new Float32Array(sum.length);
    for (let i = 0; i < sum.length; i++) {
      const weight = owners === null ? tally.total : owners[i]!;
      data[i] = weight === 0 ? 0 : (sum[i]! * step) / weight;
    }
    delta.set(name, { shape, data });
  }
  return delta;
}
