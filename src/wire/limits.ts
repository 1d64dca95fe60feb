/** What a decoder accepts at most; every one is checked before memory is taken. */
export interface Limits {
  /** Bytes of one frame. */
  readonly frameBytes: number;
  /** Tensors of a model; also payloads of a frame. */
  readonly numTensors: number;
  /** Dimensions of a tensor. */
  readonly rank: number;
  /** Coordinates of a model. */
  readonly numParams: number;
  /** UTF-8 bytes of a name. */
  readonly nameBytes: number;
}

export const defaultLimits: Limits = {
  frameBytes: 64 * 2 ** 20,
  numTensors: 4096,
  rank: 8,
  numParams: 16 * 2 ** 20,
  nameBytes: 255,
};
