import type { Masks } from "./tensor.ts";

/** A part of the global model that a weak device can train in its place. */
export interface SubModel {
  /** Of every layer's outputs, above 0 to 1; 1 is the whole model. */
  readonly width: number;
  /** What it owns of the whole model. */
  readonly masks: Masks;
  /** About what training it takes. */
  readonly memoryBytes: number;
}

/** What a client says of its device; what is left out does not bind it. */
export interface DeviceProfile {
  /** Memory to train in. */
  readonly memoryBytes?: number;
  readonly uplinkBytesPerSecond?: number;
}
