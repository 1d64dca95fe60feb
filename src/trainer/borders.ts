import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { isPassing, leavesOf } from "./own/leaves.ts";

/** What becomes of what goes from layer to layer while a model trains, and of its gradient on the way back. */
export interface Borders {
  round: ((x: tf.Tensor) => tf.Tensor) | null;
}

/** Has every layer give its results by way of `borders`; what happens within a layer is not touched. */
export function guardBorders(model: LayersModel, borders: Borders): void {
  for (const layer of leavesOf(model)) {
    if (isPassing(layer)) continue; // what comes out is rounded already
    const call = layer.call.bind(layer);
    const guarded: typeof layer.call = (inputs, kwargs) => {
      const y = call(inputs, kwargs);
      const { round } = borders;
      return round === null || Array.isArray(y) ? y : bothWays(y, round);
    };
    Object.assign(layer, { call: guarded });
  }
}

const bothWays = (y: tf.Tensor, round: (x: tf.Tensor) => tf.Tensor): tf.Tensor =>
  tf.customGrad((x: tf.Tensor | tf.GradSaveFunc) => ({
    value: round(x as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => round(dy),
  }))(y);
