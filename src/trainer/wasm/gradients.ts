import * as tf from "@tensorflow/tfjs-core";

// Gradients that tfjs has no kernel for. They hold for all backends, so each asks whether the active one has ours.

type GradFunc = tf.GradConfig["gradFunc"];

const hasKernel = (name: string): boolean => tf.getKernel(name, tf.getBackend()) !== undefined;

/** Relu's and softmax's in one kernel each, and one of einsum at all. Returns the way back. */
export function installGradients(): () => void {
  const restore = [
    exchange(tf.Relu, (original) => (dy, saved, attrs) => {
      if (!hasKernel("ReluGrad")) return original!(dy, saved, attrs);
      return {
        x: () => tf.engine().runKernel("ReluGrad", { x: saved[0]!, dy: dy as tf.Tensor }) as tf.Tensor,
      };
    }),
    exchange(tf.Softmax, (original) => (dy, saved, attrs) => {
      if (!hasKernel("SoftmaxGrad")) return original!(dy, saved, attrs);
      const inputs = { y: saved[0]!, dy: dy as tf.Tensor };
      return { logits: () => tf.engine().runKernel("SoftmaxGrad", inputs) as tf.Tensor };
    }),
    exchange(tf.Einsum, () => einsumGradient),
  ];
  return () => {
    for (const back of restore) back();
  };
}

function exchange(kernelName: string, make: (original: GradFunc | undefined) => GradFunc): () => void {
  const original = tf.getGradient(kernelName) as tf.GradConfig | undefined;
  if (original !== undefined) tf.unregisterGradient(kernelName);
  const config = original ?? { kernelName, saveAllInputs: true };
  tf.registerGradient({ ...config, gradFunc: make(original?.gradFunc) });
  return () => {
    tf.unregisterGradient(kernelName);
    if (original !== undefined) tf.registerGradient(original);
  };
}

/** An operand's gradient sums dy with the other operands; an axis that only this operand had is repeated. */
const einsumGradient: GradFunc = (dy, saved, attrs) => {
  const { equation } = attrs as unknown as tf.EinsumAttrs;
  const [left = "", out = ""] = equation.replace(/\s/g, "").split("->");
  const labels = left.split(",");
  return Object.fromEntries(
    labels.map((own, i) => [
      i,
      () => {
        if (new Set(own).size < own.length)
          throw new RangeError(`einsum has no gradient for an operand that repeats a label: ${own}`);
        const others = labels.filter((_, k) => k !== i);
        const known = [...own].filter((label) => (out + others.join("")).includes(label)).join("");
        const tensors = [dy as tf.Tensor, ...saved.filter((_, k) => k !== i)];
        const slope = tf.einsum(`${[out, ...others].join()}->${known}`, ...tensors);
        const { shape } = saved[i]!;
        const open = shape.map((length, axis) => (known.includes(own[axis]!) ? length : 1));
        return tf.broadcastTo(tf.reshape(slope, open), shape);
      },
    ]),
  );
};
