import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { assert } from "./assert.ts";
import { sha256 } from "./sha256.ts";
import { type Params, sizeOf } from "./tensor.ts";

/** Names, shapes and order of a model's tensors. Both ends agree on it once, by digest. */
export interface Manifest {
  readonly tensors: readonly TensorSpec[];
}

export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
}

export const manifestOf = (params: Params): Manifest => ({
  tensors: [...params].map(([name, { shape }]) => ({ name, shape })),
});

export const numParams = (manifest: Manifest): number =>
  manifest.tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** SHA-256 over one line a tensor, `name shape-joined-by-x`, 64 hex digits. */
export function manifestDigest(manifest: Manifest): string {
  return bytesToHex(sha256(manifestBytes(manifest)));
}

/** SHA-256 over the manifest's lines and then every tensor's float32 little-endian data, 64 hex digits. */
export function modelDigest(params: Params): string {
  const data = [...params.values()].map((tensor) => littleEndian(tensor.data));
  return bytesToHex(sha256(manifestBytes(manifestOf(params)), ...data));
}

/** SHA-256 of bytes, 64 hex digits. */
export const digestOf = (...bytes: Uint8Array[]): string => bytesToHex(sha256(...bytes));

function manifestBytes(manifest: Manifest): Uint8Array {
  return utf8ToBytes(manifest.tensors.map(({ name, shape }) => `${name} ${shape.join("x")}\n`).join(""));
}

const hostIsLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function littleEndian(data: Float32Array): Uint8Array {
  assert(hostIsLittleEndian, "fedpress runs on little-endian hosts");
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
