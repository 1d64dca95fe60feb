import { WireError } from "../model/error.ts";
import { type Manifest, manifestDigest, manifestOf, numParams } from "../model/manifest.ts";
import { type Params, sizeOf, type Tensor } from "../model/tensor.ts";
import { shortDigest } from "./frame.ts";
import type { ControlFrame } from "./kinds.ts";

/** The control variate that belongs to a version of the model, as a frame. */
export function encodeControl(version: number, control: Params): ControlFrame {
  const manifest = manifestOf(control);
  const values = new Float32Array(numParams(manifest));
  let at = 0;
  for (const { data } of control.values()) {
    values.set(data, at);
    at += data.length;
  }
  return { kind: "control", version, manifest: shortDigest(manifestDigest(manifest)), values };
}

/** The control variate in a frame, tensor by tensor. Throws WireError when it is of another model. */
export function decodeControl({ manifest: id, values }: ControlFrame, manifest: Manifest): Params {
  if (id !== shortDigest(manifestDigest(manifest)))
    throw new WireError("wrong-manifest", "manifest", "a control variate of another model");
  if (values.length !== numParams(manifest))
    throw new WireError("bad-shape", "count", `${values.length}, expected ${numParams(manifest)}`);
  let at = 0;
  return new Map(
    manifest.tensors.map(({ name, shape }): [string, Tensor] => {
      const data = values.slice(at, at + sizeOf(shape));
      at += data.length;
      return [name, { shape, data }];
    }),
  );
}
