import * as tf from "@tensorflow/tfjs-core";

/** What computes a layer: one kernel with a gradient of its own where the backend has them, else tfjs' operations. */
interface FusedOp {
  /** The gradient is `<kernelName>Grad`. */
  readonly kernelName: string;
  readonly attrs?: object;
  /** The inputs by the names that the kernels know them by. */
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  /** Names for what the kernel gives after its result; the gradient gets them, the inputs, the result `y`, and `dy`. */
  readonly kept: readonly string[];
  readonly composed: () => tf.Tensor;
}

export function fused({ kernelName, attrs = {}, inputs, kept, composed }: FusedOp): tf.Tensor {
  if (tf.getKernel(kernelName, tf.getBackend()) === undefined) return tf.tidy(composed);
  const run = (name: string, tensors: readonly tf.Tensor[], names: readonly string[]): tf.Tensor[] =>
    tf
      .engine()
      .runKernel(
        name,
        Object.fromEntries(names.map((key, i) => [key, tensors[i]!])),
        attrs as tf.NamedAttrMap,
      );
  const names = Object.keys(inputs);
  const op = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const save = args.pop() as tf.GradSaveFunc;
    const given = args as tf.Tensor[];
    const results = run(kernelName, given, names);
    save([...given, ...results]);
    return {
      value: results[0]!,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        run(`${kernelName}Grad`, [dy, ...saved], ["dy", ...names, "y", ...kept]),
    };
  });
  return op(...Object.values(inputs));
}
