import type { Params } from "../model/tensor.ts";
import { mapParams } from "../model/tensor.ts";
import { sendersOverOwners } from "./mean.ts";
import type { Tally } from "./tally.ts";

/** The cohort's control variate after a round; `before` and `after` weigh all clients that were ever folded. */
export type NextControl = (
  control: Params,
  tally: Tally,
  weights: { readonly before: number; readonly after: number },
) => Params;

/**
 * SCAFFOLD (Karimireddy et al., 2020, option II): c, the mean of the control variates c_i of all clients that were ever
 * folded, each by its weight. A client's becomes c_i - c - d_i / rate, with d_i its delta a local step, so that from the
 * mean D of d_i over the round's reports the coordinator knows by how much the sum of all c_i changes, and no control
 * variate is uploaded: c' = (before c - weight (c + D / rate)) / after. In float64, rounded once.
 *
 * In the paper all clients weigh the same, and c is divided by the number of all of them, which nobody knows here: who
 * never came has c_i = 0 there and is no part of the mean here.
 */
export const meanControl =
  (learningRate: number): NextControl =>
  (control, tally, { before, after }) => {
    const { delta } = sendersOverOwners(tally);
    return mapParams(control, ({ data }, name) => {
      const mean = delta.get(name)!.data;
      return data.map((c, j) => (before * c - tally.total * (c + mean[j]! / learningRate)) / after);
    });
  };
