import { isLittleEndian } from "./endian.ts";

/** A WebAssembly.Memory; its buffer is replaced by another whenever the memory grows. */
export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}

/** A WebAssembly.Memory of one size. */
export interface FixedMemory extends WasmMemory {
  readonly buffer: ArrayBuffer;
}

// The standard library's types have WebAssembly only together with the whole browser.
interface Api {
  readonly Memory: new (limits: { initial: number; maximum: number }) => FixedMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
  readonly validate: (bytes: Uint8Array) => boolean;
}

const { WebAssembly } = globalThis as { readonly WebAssembly?: Api };

/**
 * Whether this engine has WebAssembly, and in it all that the module needs, such as SIMD; and whether typed arrays have
 * the byte order of its memory.
 */
export const canInstantiate = (base64: string): boolean =>
  isLittleEndian && WebAssembly?.validate(bytesOf(base64)) === true;

/** The functions of a module that works on `memory`. Throws where WebAssembly or its SIMD is missing. */
export function instantiate(base64: string, memory: WasmMemory): object {
  const { Instance, Module } = present();
  return new Instance(new Module(bytesOf(base64)), { env: { memory } }).exports;
}

/** A memory of so many pages of 64 KiB, zeros. */
export function newMemory(numPages: number): FixedMemory {
  const { Memory } = present();
  return new Memory({ initial: numPages, maximum: numPages });
}

function present(): Api {
  if (WebAssembly === undefined) throw new Error("this engine has no WebAssembly");
  return WebAssembly;
}

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
