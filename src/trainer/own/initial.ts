import { sizeOf } from "../../model/tensor.ts";
import type { LayerTensor } from "../layers.ts";
import type { Initializer } from "./leaves.ts";

/**
 * How version 0 fills a tensor that tfjs would fill by this initializer: a constant as it is, and what is drawn uniformly
 * with the same variance around zero, since version 0 is made of correctly rounded operations only. A recurrent layer's
 * forget gates begin at zero, as the zoo's; what is unknown is Glorot's for matrices and zero for vectors.
 */
export function initialOf(
  initializer: Initializer | undefined,
  shape: readonly number[],
): LayerTensor["initial"] {
  const name = initializer?.getClassName();
  const config = (initializer?.getConfig() ?? {}) as Readonly<Record<string, unknown>>;
  const number = (key: string, otherwise: number): number =>
    typeof config[key] === "number" ? (config[key] as number) : otherwise;
  switch (name) {
    case "Zeros":
      return { constant: 0 };
    case "Ones":
      return { constant: 1 };
    case "Constant":
      return { constant: Math.fround(number("value", 0)) };
    case "RandomUniform":
      return uniform((number("maxval", 0.05) - number("minval", -0.05)) / Math.sqrt(12));
    case "RandomNormal":
    case "TruncatedNormal":
      return uniform(number("stddev", 0.05));
    case "Orthogonal": {
      const columns = shape.at(-1)!;
      return uniform(number("gain", 1) / Math.sqrt(Math.max(columns, sizeOf(shape) / columns)));
    }
    case "VarianceScaling":
      return uniform(Math.sqrt(number("scale", 1) / fan(shape, String(config.mode))));
    default:
      return shape.length < 2 ? { constant: 0 } : uniform(Math.sqrt(1 / fan(shape, "fanAvg")));
  }
}

const uniform = (deviation: number): LayerTensor["initial"] => ({
  limit: Math.fround(Math.sqrt(3) * deviation),
});

/** Inputs of an output, outputs of an input, or their mean, as tfjs counts them of kernels with the channels last. */
function fan(shape: readonly number[], mode: string): number {
  const pixels = sizeOf(shape.slice(0, -2));
  const [into, out] =
    shape.length < 2 ? [Math.sqrt(sizeOf(shape)), Math.sqrt(sizeOf(shape))] : [shape.at(-2)!, shape.at(-1)!];
  const counts: Readonly<Record<string, number>> = { fanIn: pixels * into, fanOut: pixels * out };
  return Math.max(1, counts[mode] ?? (pixels * (into + out)) / 2);
}
