import type { EinsumAttrs, TensorInfo } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import type { Pointer } from "../../kernels/kernels.ts";
import { merged, stridesOf } from "./copy.ts";
import { openArena } from "./heap.ts";
import { areFloat, type Replacement, replacement } from "./replacement.ts";
import type { Workspace } from "./workspace.ts";

/** Float values whose axes carry labels. */
interface Operand {
  readonly at: Pointer;
  readonly labels: string;
  readonly shape: readonly number[];
}

/** Two operands at a time, each pair as a batch of matrix products. Any labels, also twice in one operand. */
export const einsum: Replacement = replacement<Readonly<Record<number, TensorInfo>>, EinsumAttrs>(
  (workspace, { inputs, attrs: { equation } }) => {
    const tensors = Object.values(inputs);
    const [left = "", out = ""] = equation.replace(/\s/g, "").split("->");
    const labels = left.split(",");
    if (!areFloat(...tensors) || labels.length !== tensors.length) return null;
    const { heap } = workspace;
    const lengths = lengthsOf(labels, tensors);
    if (lengths.size > MAX_LABELS)
      throw new RangeError(
        `einsum: ${equation} has ${lengths.size} labels, at most ${MAX_LABELS} are possible`,
      );
    const result = heap.output([...out].map((label) => lengths.get(label)!));
    const arena = openArena(heap);
    try {
      const one = arena.allocate(4);
      heap.floats(one, 1)[0] = 1;
      let product: Operand = { at: one, labels: "", shape: [] };
      tensors.forEach((tensor, i) => {
        const operand = { at: heap.pointerTo(tensor), labels: labels[i]!, shape: tensor.shape };
        const later = labels.slice(i + 1).join("");
        const isLast = i === tensors.length - 1;
        const kept = isLast
          ? out
          : unique(product.labels + operand.labels, (label) => (later + out).includes(label));
        const shape = [...kept].map((label) => lengths.get(label)!);
        const at = isLast ? heap.pointerTo(result) : arena.allocate(4 * util.sizeFromShape(shape));
        const next = { at, labels: kept, shape };
        multiply(workspace, arena.allocate, product, operand, next, lengths);
        product = next;
      });
      return result;
    } finally {
      arena.close();
    }
  },
);

/** As many as a kernel's layout has axes. */
const MAX_LABELS = 8;

function lengthsOf(labels: readonly string[], tensors: readonly TensorInfo[]): ReadonlyMap<string, number> {
  const lengths = new Map<string, number>();
  labels.forEach((own, i) => {
    const { shape } = tensors[i]!;
    if (own.length !== shape.length)
      throw new RangeError(`einsum: ${own} names ${own.length} axes of a tensor that has ${shape.length}`);
    [...own].forEach((label, axis) => {
      const known = lengths.get(label) ?? shape[axis]!;
      if (known !== shape[axis]) throw new RangeError(`einsum: ${label} is ${known} and ${shape[axis]} long`);
      lengths.set(label, known);
    });
  });
  return lengths;
}

const unique = (labels: string, holds: (label: string) => boolean): string =>
  [...new Set(labels)].filter(holds).join("");

/** `out` = Σ a·b over the labels that it does not have. */
function multiply(
  workspace: Workspace,
  allocate: (bytes: number) => Pointer,
  a: Operand,
  b: Operand,
  out: Operand,
  lengths: ReadonlyMap<string, number>,
): void {
  const { kernels, scratch } = workspace;
  const all = a.labels + b.labels;
  const [inA, inB] = [(l: string) => a.labels.includes(l), (l: string) => b.labels.includes(l)];
  const isOut = (label: string): boolean => out.labels.includes(label);
  const batch = unique(all, (l) => isOut(l) && inA(l) && inB(l));
  const rows = unique(all, (l) => isOut(l) && inA(l) && !inB(l));
  const cols = unique(all, (l) => isOut(l) && !inA(l) && inB(l));
  const summed = unique(all, (l) => !isOut(l));
  const size = (labels: string): number => [...labels].reduce((product, l) => product * lengths.get(l)!, 1);
  const arranged = (operand: Operand, labels: string): Pointer => {
    const to = allocate(4 * size(labels));
    arrange(workspace, operand, labels, lengths, to);
    return to;
  };
  const [numRows, numCols, depth] = [size(rows), size(cols), size(summed)];
  const left = arranged(a, batch + rows + summed);
  const right = arranged(b, batch + summed + cols);
  const product = allocate(4 * size(batch + rows + cols));
  for (let i = 0; i < size(batch); i++)
    kernels.gemm(
      ...([numRows, numCols, depth] as const),
      ...([left + 4 * i * numRows * depth, depth, 1] as const),
      ...([right + 4 * i * depth * numCols, numCols, 1] as const),
      ...([product + 4 * i * numRows * numCols, numCols, false] as const),
      scratch,
    );
  const made = batch + rows + cols;
  const shape = [...made].map((label) => lengths.get(label)!);
  arrange(workspace, { at: product, labels: made, shape }, out.labels, lengths, out.at);
}

/** A copy with its axes in another order: a label that the operand has twice walks its diagonal, one it lacks repeats. */
function arrange(
  { kernels, placeLayout }: Workspace,
  operand: Operand,
  labels: string,
  lengths: ReadonlyMap<string, number>,
  to: Pointer,
): void {
  const strides = stridesOf(operand.shape);
  const layout = merged({
    lengths: [...labels].map((label) => lengths.get(label)!),
    strides: [...labels].map((label) =>
      [...operand.labels].reduce((sum, own, axis) => (own === label ? sum + strides[axis]! : sum), 0),
    ),
  });
  if (layout.lengths.includes(0)) return;
  kernels.copyStrided(operand.at, layout.lengths.length, placeLayout(layout.lengths, layout.strides), to);
}
