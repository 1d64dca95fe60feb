import type { TensorInfo } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import type { Kernels } from "../../kernels/kernels.ts";
import { type Replacement, replacement } from "./replacement.ts";

// Kernels that tfjs does not have: whole layers, each with its gradient. `trainer/ops` calls them by name, and says
// what each computes; a forward kernel gives its result first, then what its gradient wants to see again.

export const lstm = recurrent("lstm", 4);
export const lstmGrad = recurrentGradient("lstm", 4);
export const gru = recurrent("gru", 3);
export const gruGrad = recurrentGradient("gru", 3);

type Cell = "lstm" | "gru";
type Bytes = (batch: number, steps: number, units: number) => number;

const roomOf = (kernels: Kernels, cell: Cell): { readonly forward: Bytes; readonly gradient: Bytes } => ({
  forward: (_batch, _steps, units) => kernels[`${cell}Bytes`](units),
  gradient: kernels[`${cell}GradientBytes`],
});

interface RecurrentInputs {
  readonly x: TensorInfo;
  readonly kernel: TensorInfo;
  readonly recurrent: TensorInfo;
  readonly bias: TensorInfo;
}

/** [h, gates, third] */
function recurrent(cell: Cell, numGates: number): Replacement {
  return replacement<RecurrentInputs, object>(({ heap, kernels, scratch, roomFor }, { inputs }) => {
    const [batch, steps, numInputs] = inputs.x.shape as [number, number, number];
    const units = inputs.recurrent.shape[0]!;
    const h = heap.output([batch, steps, units]);
    const gates = heap.output([batch, steps, numGates * units]);
    const third = heap.output([batch, steps, units]);
    const work = roomFor(roomOf(kernels, cell).forward(batch, steps, units));
    const at = heap.pointerTo;
    const { x, kernel, recurrent, bias } = inputs;
    kernels[`${cell}Forward`](
      ...([batch, steps, numInputs, units] as const),
      ...([at(x), at(kernel), at(recurrent), at(bias)] as const),
      ...([at(gates), at(h), at(third)] as const),
      work,
      scratch,
    );
    return [h, gates, third];
  });
}

interface RecurrentSaved extends RecurrentInputs {
  readonly dy: TensorInfo;
  readonly y: TensorInfo;
  readonly gates: TensorInfo;
  readonly third: TensorInfo;
}

function recurrentGradient(cell: Cell, numGates: number): Replacement {
  return replacement<RecurrentSaved, object>(({ heap, kernels, scratch, roomFor }, { inputs }) => {
    const { dy, x, kernel, recurrent, y, gates, third } = inputs;
    const [batch, steps, numInputs] = x.shape as [number, number, number];
    const units = recurrent.shape[0]!;
    const width = numGates * units;
    const dx = heap.output(x.shape);
    const dKernel = heap.output([numInputs, width]);
    const dRecurrent = heap.output([units, width]);
    const dBias = heap.output([width]);
    const work = roomFor(roomOf(kernels, cell).gradient(batch, steps, units));
    const at = heap.pointerTo;
    kernels[`${cell}Gradient`](
      ...([batch, steps, numInputs, units] as const),
      ...([at(x), at(kernel), at(recurrent)] as const),
      ...([at(gates), at(y), at(third), at(dy)] as const),
      ...([at(dx), at(dKernel), at(dRecurrent), at(dBias)] as const),
      work,
      scratch,
    );
    return [dx, dKernel, dRecurrent, dBias];
  });
}

interface NormInputs {
  readonly x: TensorInfo;
  readonly gain: TensorInfo;
  readonly bias: TensorInfo;
}

const rowsAndCols = ({ shape }: TensorInfo): [rows: number, cols: number] => {
  const cols = shape.at(-1)!;
  return [util.sizeFromShape(shape) / Math.max(1, cols), cols];
};

/** [y, moments] */
export const layerNorm: Replacement = replacement<NormInputs, { readonly epsilon: number }>(
  ({ heap, kernels }, { inputs: { x, gain, bias }, attrs: { epsilon } }) => {
    const [rows, cols] = rowsAndCols(x);
    const y = heap.output(x.shape);
    const moments = heap.output([rows, 2]);
    const at = heap.pointerTo;
    kernels.layerNorm(at(x), at(gain), at(bias), rows, cols, epsilon, at(y), at(moments));
    return [y, moments];
  },
);

export const layerNormGrad: Replacement = replacement<
  NormInputs & { readonly dy: TensorInfo; readonly moments: TensorInfo },
  object
>(({ heap, kernels }, { inputs: { dy, x, gain, moments } }) => {
  const [rows, cols] = rowsAndCols(x);
  const dx = heap.output(x.shape);
  const [dGain, dBias] = [heap.output([cols]), heap.output([cols])];
  const at = heap.pointerTo;
  kernels.layerNormGradient(at(x), at(gain), at(moments), at(dy), rows, cols, at(dx), at(dGain), at(dBias));
  return [dx, dGain, dBias];
});

/** [y, shares] */
export const attention: Replacement = replacement<{ readonly qkv: TensorInfo }, { readonly heads: number }>(
  ({ heap, kernels, scratch }, { inputs: { qkv }, attrs: { heads } }) => {
    const [batch, steps, width] = qkv.shape as [number, number, number];
    const y = heap.output([batch, steps, width / 3]);
    const shares = heap.output([batch, heads, steps, steps]);
    const at = heap.pointerTo;
    kernels.attention(at(qkv), batch, steps, heads, width / 3 / heads, at(y), at(shares), scratch);
    return [y, shares];
  },
);

export const attentionGrad: Replacement = replacement<
  { readonly dy: TensorInfo; readonly qkv: TensorInfo; readonly shares: TensorInfo },
  { readonly heads: number }
>(({ heap, kernels, scratch, roomFor }, { inputs: { dy, qkv, shares }, attrs: { heads } }) => {
  const [batch, steps, width] = qkv.shape as [number, number, number];
  const dQkv = heap.output(qkv.shape);
  const slopes = roomFor(4 * steps * steps);
  const at = heap.pointerTo;
  const depth = width / 3 / heads;
  kernels.attentionGradient(
    at(qkv),
    at(shares),
    at(dy),
    batch,
    steps,
    heads,
    depth,
    at(dQkv),
    slopes,
    scratch,
  );
  return [dQkv];
});

/** [y, slope] */
export const gelu: Replacement = replacement<{ readonly x: TensorInfo }, object>(
  ({ heap, kernels }, { inputs: { x } }) => {
    const [y, slope] = [heap.output(x.shape), heap.output(x.shape)];
    const at = heap.pointerTo;
    kernels.gelu(at(x), util.sizeFromShape(x.shape), at(y), at(slope));
    return [y, slope];
  },
);
