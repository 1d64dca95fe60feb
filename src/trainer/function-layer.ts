import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import type { LayerTensor } from "./layers.ts";

/** A layer as a function of its input and its tensors. */
export interface FunctionLayerConfig {
  readonly name: string;
  readonly tensors: readonly LayerTensor[];
  /** Shapes of one example; the input's is only needed of a model's first layer. */
  readonly inputShape?: readonly number[] | undefined;
  readonly outputShape: readonly number[];
  readonly run: (x: tf.Tensor, tensors: readonly tf.Tensor[]) => tf.Tensor;
}

export const functionLayer = (config: FunctionLayerConfig): tfl.layers.Layer => new FunctionLayer(config);

/** tfjs-layers knows layers by inheritance only: this one class serves all of ours. */
class FunctionLayer extends tfl.layers.Layer {
  static readonly className = "FedpressLayer";
  readonly #config: FunctionLayerConfig;
  #weights: readonly tfl.LayerVariable[] = [];

  constructor(config: FunctionLayerConfig) {
    const { name, inputShape } = config;
    super({ name, ...(inputShape === undefined ? {} : { inputShape: [...inputShape] }) });
    this.#config = config;
  }

  override build(inputShape: tfl.Shape): void {
    const zeros = tfl.initializers.zeros();
    this.#weights = this.#config.tensors.map(({ name, shape }) =>
      this.addWeight(name, [...shape], "float32", zeros),
    );
    super.build(inputShape);
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    const tensors = this.#weights.map((weight) => weight.read());
    return tf.tidy(() => this.#config.run(x, tensors));
  }

  override computeOutputShape(): tfl.Shape {
    return [null, ...this.#config.outputShape];
  }
}
