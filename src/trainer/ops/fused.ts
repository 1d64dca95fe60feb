import * as tf from "@tensorflow/tfjs-core";

/** What computes a layer: one kernel with a gradient of its own where the backend has them, else tfjs' operations. */
interface FusedOp {
  readonly kernelName: string;
  readonly attrs?: object;
  /** The inputs by the names that the kernels know them by. */
  readonly inputs: Tensors;
  /** Names for what the kernel gives after its result, for its gradient. */
  readonly kept: readonly string[];
  /** Gradients in the order of the inputs, from these, the result `y`, what was kept, and `dy`: by default `<kernelName>Grad`. */
  readonly gradient?: (tensors: Tensors) => tf.Tensor[];
  readonly composed: () => tf.Tensor;
}

type Tensors = Readonly<Record<string, tf.Tensor>>;

export function fused({ kernelName, attrs = {}, inputs, kept, gradient, composed }: FusedOp): tf.Tensor {
  if (tf.getKernel(kernelName, tf.getBackend()) === undefined) return tf.tidy(composed);
  const run = (name: string, tensors: Tensors): tf.Tensor[] =>
    tf.engine().runKernel(name, { ...tensors }, attrs as tf.NamedAttrMap);
  const gradientOf = gradient ?? ((tensors) => run(`${kernelName}Grad`, tensors));
  const names = Object.keys(inputs);
  const named = (keys: readonly string[], tensors: readonly tf.Tensor[]): Tensors =>
    Object.fromEntries(keys.map((key, i) => [key, tensors[i]!]));
  const op = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const save = args.pop() as tf.GradSaveFunc;
    const given = args as tf.Tensor[];
    const results = run(kernelName, named(names, given));
    save([...given, ...results]);
    return {
      value: results[0]!,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        gradientOf({ dy, ...named([...names, "y", ...kept], saved) }),
    };
  });
  return op(...Object.values(inputs));
}
