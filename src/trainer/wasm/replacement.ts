import type { KernelFunc, TensorInfo } from "@tensorflow/tfjs-core";
import type { Workspace } from "./workspace.ts";

/** A kernel of ours in place of the backend's, which it may still call for what it does not do itself. */
export type Replacement = (workspace: Workspace, stock: KernelFunc) => KernelFunc;

/** What tfjs passes to a kernel, typed. */
export interface Call<Inputs, Attrs> {
  readonly inputs: Inputs;
  readonly attrs: Attrs;
}

/** `run` answers null to leave a call to the stock kernel. */
export function replacement<Inputs, Attrs>(
  run: (workspace: Workspace, call: Call<Inputs, Attrs>) => TensorInfo | TensorInfo[] | null,
): Replacement {
  return (workspace, stock) => (call) =>
    run(workspace, call as unknown as Call<Inputs, Attrs>) ?? stock(call);
}

export const areFloat = (...tensors: readonly Pick<TensorInfo, "dtype">[]): boolean =>
  tensors.every(({ dtype }) => dtype === "float32");
