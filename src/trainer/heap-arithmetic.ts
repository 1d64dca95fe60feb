import * as tf from "@tensorflow/tfjs-core";
import type { Pointer } from "../kernels/kernels.ts";
import type { Arithmetic, Vector } from "./arithmetic.ts";
import { round16 } from "./round16.ts";
import { type Heap, openArena } from "./wasm/heap.ts";
import type { Workspace } from "./wasm/workspace.ts";

/** A vector on the wasm backend's heap. */
interface HeapVector extends Vector {
  readonly pointer: Pointer;
}

export const heapVector = (heap: Heap, pointer: Pointer, count: number): HeapVector => ({
  pointer,
  count,
  view: () => heap.floats(pointer, count),
});

/** Arithmetic by our kernels, on the memory of tfjs' wasm backend. */
export function heapArithmetic({ heap, kernels }: Workspace): Arithmetic {
  const arena = openArena(heap);
  /** Room for a batch's labels and teacher, kept from batch to batch. */
  const room = (): ((bytes: number) => Pointer) => {
    let held = { at: 0, bytes: 0 };
    return (bytes) => {
      if (bytes > held.bytes) held = { at: arena.allocate(bytes), bytes };
      return held.at;
    };
  };
  const labelRoom = room();
  const teacherRoom = room();
  const rowRoom = room();
  const shapeOf = (logits: tf.Tensor) => logits.shape as [rows: number, classes: number];
  return {
    zeros: (count) => {
      const vector = heapVector(heap, arena.allocate(4 * count), count);
      vector.view().fill(0);
      return vector;
    },
    of: (tensor) => heapVector(heap, heap.pointerTo(tensor), tensor.size),
    crossEntropy: (logits, labels) => {
      const [rows, classes] = shapeOf(logits);
      const gradient = tf.zeros([rows, classes]);
      const labelsAt = labelRoom(4 * rows);
      heap.ints(labelsAt, rows).set(labels);
      const out = heap.pointerTo(gradient);
      return {
        lossSum: kernels.crossEntropy(heap.pointerTo(logits), labelsAt, rows, classes, out),
        gradient,
      };
    },
    softCrossEntropy: (logits, labels, teacher, { temperature, share }) => {
      const [rows, classes] = shapeOf(logits);
      const gradient = tf.zeros([rows, classes]);
      const labelsAt = labelRoom(4 * rows);
      const teacherAt = teacherRoom(4 * rows * classes);
      const rowAt = rowRoom(4 * classes);
      heap.ints(labelsAt, rows).set(labels);
      heap.floats(teacherAt, rows * classes).set(teacher);
      const lossSum = kernels.softCrossEntropy(
        heap.pointerTo(logits),
        teacherAt,
        labelsAt,
        rows,
        classes,
        temperature,
        share,
        heap.pointerTo(gradient),
        rowAt,
      );
      return { lossSum, gradient };
    },
    momentumStep: (values: HeapVector, gradient: HeapVector, velocity: HeapVector, rate, momentum) =>
      kernels.momentumStep(values.pointer, gradient.pointer, velocity.pointer, values.count, rate, momentum),
    adamStep: (values: HeapVector, gradient: HeapVector, mean: HeapVector, square: HeapVector, step) =>
      kernels.adamStep(
        values.pointer,
        gradient.pointer,
        mean.pointer,
        square.pointer,
        values.count,
        step.stepSize,
        step.beta1,
        step.beta2,
        step.epsilon,
      ),
    rounded: (tensor, precision) => {
      const out = tf.zeros(tensor.shape);
      const { size } = tensor;
      round16(heap.floats(heap.pointerTo(tensor), size), heap.floats(heap.pointerTo(out), size), precision);
      return out;
    },
    close: arena.close,
  } as Arithmetic;
}
