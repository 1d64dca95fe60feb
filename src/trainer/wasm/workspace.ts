import {
  type Geometry,
  geometryWords,
  instantiateKernels,
  type Kernels,
  type Pointer,
} from "../../kernels/kernels.ts";
import type { Heap } from "./heap.ts";

/** Our kernels on the backend's heap, and the memory they work in. One a thread: kernels run one at a time. */
export interface Workspace {
  readonly heap: Heap;
  readonly kernels: Kernels;
  /** Room for gemm. */
  readonly scratch: Pointer;
  /** The geometry as kernels read it, valid until the next call. */
  place(geometry: Geometry): Pointer;
  /** Lengths and strides as kernels read them, valid until the next call. */
  placeLayout(lengths: readonly number[], strides: readonly number[]): Pointer;
  /** Room for that many bytes, valid until the next call. */
  roomFor(bytes: number): Pointer;
}

export function openWorkspace(heap: Heap): Workspace {
  const kernels = instantiateKernels(heap.memory);
  const scratch = heap.allocate(kernels.gemmScratchBytes());
  const integers = heap.allocate(4 * MAX_INTEGERS);
  const place = (values: readonly number[]): Pointer => {
    heap.ints(integers, values.length).set(values);
    return integers;
  };
  let room = { at: 0, bytes: 0 };
  return {
    heap,
    kernels,
    scratch,
    place: (geometry) => place(geometryWords(geometry)),
    placeLayout: (lengths, strides) => place([...lengths, ...strides]),
    roomFor: (bytes) => {
      if (bytes > room.bytes) {
        if (room.at !== 0) heap.free(room.at);
        room = { at: 0, bytes: 0 }; // nothing is held, should the next line throw
        room = { at: heap.allocate(bytes), bytes };
      }
      return room.at;
    },
  };
}

/** A geometry has 15; a layout two for each of at most 8 axes. */
const MAX_INTEGERS = 16;
