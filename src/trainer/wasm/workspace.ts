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
  /** Room for the windows of a placed geometry, valid until the next call. */
  windowsFor(geometry: Pointer): Pointer;
}

export function openWorkspace(heap: Heap): Workspace {
  const kernels = instantiateKernels(heap.memory);
  const scratch = heap.allocate(kernels.gemmScratchBytes());
  const words = 15;
  const geometryAt = heap.allocate(4 * words);
  let windows = { at: 0, bytes: 0 };
  return {
    heap,
    kernels,
    scratch,
    place: (geometry) => {
      heap.ints(geometryAt, words).set(geometryWords(geometry));
      return geometryAt;
    },
    windowsFor: (geometry) => {
      const bytes = kernels.convWindowBytes(geometry);
      if (bytes > windows.bytes) {
        if (windows.at !== 0) heap.free(windows.at);
        windows = { at: heap.allocate(bytes), bytes };
      }
      return windows.at;
    },
  };
}
