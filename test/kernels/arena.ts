import { instantiateKernels, type Kernels, type Pointer } from "../../src/kernels/kernels.ts";

declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
};

/** The kernels on a memory of their own, with guards behind every allocation. */
export interface Arena {
  readonly kernels: Kernels;
  readonly scratch: Pointer;
  /** Copies values in. */
  floats(values: ArrayLike<number>): Pointer;
  ints(values: ArrayLike<number>): Pointer;
  bytes(values: ArrayLike<number>): Pointer;
  /** Room for a result; it starts as NaN, so what a kernel leaves out shows. */
  room(count: number): Pointer;
  read(pointer: Pointer, count: number): Float32Array;
  /** Whether no kernel has written behind an allocation. */
  isIntact(): boolean;
}

const GUARD = 0x5a;
const GUARD_BYTES = 64;

export function openArena(): Arena {
  const memory = new WebAssembly.Memory({ initial: 256, maximum: 65536 });
  const kernels = instantiateKernels(memory);
  const guards: number[] = [];
  let end = 1024;
  const allocate = (numBytes: number): Pointer => {
    const pointer = end;
    // an odd multiple of four: kernels may not count on more than a float's alignment
    end += Math.ceil((numBytes + GUARD_BYTES) / 8) * 8 + 4;
    if (end > memory.buffer.byteLength) throw new RangeError("the arena is full");
    new Uint8Array(memory.buffer, pointer + numBytes, GUARD_BYTES).fill(GUARD);
    guards.push(pointer + numBytes);
    return pointer;
  };
  const place = (array: Float32Array | Int32Array | Uint8Array): Pointer => {
    const pointer = allocate(array.byteLength);
    new Uint8Array(memory.buffer).set(
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
      pointer,
    );
    return pointer;
  };
  return {
    kernels,
    scratch: allocate(kernels.gemmScratchBytes()),
    floats: (values) => place(Float32Array.from(values)),
    ints: (values) => place(Int32Array.from(values)),
    bytes: (values) => place(Uint8Array.from(values)),
    room: (count) => place(new Float32Array(count).fill(Number.NaN)),
    read: (pointer, count) => new Float32Array(memory.buffer, pointer, count).slice(),
    isIntact: () =>
      guards.every((at) => new Uint8Array(memory.buffer, at, GUARD_BYTES).every((byte) => byte === GUARD)),
  };
}
