import type { KernelBackend, TensorInfo } from "@tensorflow/tfjs-core";
import type { Pointer } from "../../kernels/kernels.ts";
import type { WasmMemory } from "../../kernels/webassembly.ts";
import { assert } from "../../model/assert.ts";

/**
 * The memory of tfjs' wasm backend, where its tensors live and our kernels work. It grows on demand, and growing
 * detaches every view on it: take views after the last allocation, and drop them at once.
 */
export interface Heap {
  readonly memory: WasmMemory;
  /** Where a tensor's values start. */
  pointerTo(tensor: Pick<TensorInfo, "dataId">): Pointer;
  /** A new tensor of undefined content, for a kernel to fill and return. */
  output(shape: readonly number[], dtype?: "float32" | "int32"): TensorInfo;
  /** The same values under another name: one more reference to them. */
  share(tensor: TensorInfo): TensorInfo;
  /** Memory of one's own, until `free`. */
  allocate(bytes: number): Pointer;
  free(pointer: Pointer): void;
  floats(pointer: Pointer, count: number): Float32Array;
  ints(pointer: Pointer, count: number): Int32Array;
  bytes(pointer: Pointer, count: number): Uint8Array;
}

/** Memory that is freed together. */
export interface Arena {
  allocate(bytes: number): Pointer;
  close(): void;
}

export function openArena(heap: Heap): Arena {
  const pointers: Pointer[] = [];
  return {
    allocate: (bytes) => {
      const pointer = heap.allocate(bytes);
      pointers.push(pointer);
      return pointer;
    },
    close: () => pointers.splice(0).forEach(heap.free),
  };
}

/** The internals of tfjs-backend-wasm 4.22 that we reach into; none is part of its public interface. */
interface WasmBackend extends KernelBackend {
  readonly wasm: {
    readonly asm: { readonly memory: WasmMemory };
    _malloc(bytes: number): number;
    _free(pointer: number): void;
  };
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: "float32" | "int32"): TensorInfo;
}

/** Throws when the backend is built otherwise than we know it. */
export function openHeap(backend: KernelBackend): Heap {
  checkInternals(backend);
  const { wasm, dataIdMap } = backend;
  const { memory } = wasm.asm;
  return {
    memory,
    pointerTo: ({ dataId }) => dataIdMap.get(dataId).memoryOffset,
    output: (shape, dtype = "float32") => backend.makeOutput(shape, dtype),
    share: ({ dataId, shape, dtype }) => {
      backend.incRef(dataId);
      return { dataId, shape, dtype };
    },
    allocate: (bytes) => {
      const pointer = wasm._malloc(Math.max(1, bytes)) >>> 0;
      if (pointer === 0) throw new RangeError(`out of WebAssembly memory: ${bytes} bytes`);
      return pointer;
    },
    free: (pointer) => wasm._free(pointer),
    floats: (pointer, count) => new Float32Array(memory.buffer as ArrayBuffer, pointer, count),
    ints: (pointer, count) => new Int32Array(memory.buffer as ArrayBuffer, pointer, count),
    bytes: (pointer, count) => new Uint8Array(memory.buffer as ArrayBuffer, pointer, count),
  };
}

/** Looks for each internal and tries it on one tensor, so that another build of tfjs fails here and not in training. */
function checkInternals(backend: KernelBackend): asserts backend is WasmBackend {
  const found = backend as Partial<WasmBackend>;
  const isThere = {
    "wasm.asm.memory": found.wasm?.asm?.memory?.buffer instanceof ArrayBuffer,
    "wasm._malloc": typeof found.wasm?._malloc === "function",
    "wasm._free": typeof found.wasm?._free === "function",
    "dataIdMap.get": typeof found.dataIdMap?.get === "function",
    makeOutput: typeof found.makeOutput === "function",
  };
  const missing = Object.entries(isThere).flatMap(([name, there]) => (there ? [] : [name]));
  if (missing.length > 0)
    throw new Error(
      `this build of tfjs-backend-wasm cannot be trained on: its ${missing.join(", ")} is not where fedpress ` +
        "knows it; install @tensorflow/tfjs-* 4.22.0",
    );
  const { wasm, dataIdMap } = backend as WasmBackend;
  const probe = backend.write(new Float32Array([1.5]), [1], "float32") as object;
  const { memoryOffset } = dataIdMap.get(probe);
  const value = new Float32Array(wasm.asm.memory.buffer as ArrayBuffer, memoryOffset, 1)[0];
  backend.disposeData(probe);
  assert(value === 1.5, "a tensor's values stand at its memoryOffset in the wasm backend's memory");
}
