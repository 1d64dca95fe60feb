import type { WireErrorCode } from "../../src/model/error.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import type { CodecSpec, PlanRule } from "../../src/model/protocol.ts";
import type { Params } from "../../src/model/tensor.ts";
import type { Frame } from "../../src/wire/frame.ts";
import digestsJson from "../vectors/digests.json" with { type: "json" };
import framesJson from "../vectors/frames.json" with { type: "json" };
import historyJson from "../vectors/history.json" with { type: "json" };
import masksJson from "../vectors/masks.json" with { type: "json" };
import patchesJson from "../vectors/patches.json" with { type: "json" };
import payloadsJson from "../vectors/payloads.json" with { type: "json" };

/** The golden vectors: bytes are hex, params a list of [name, tensor]. */
export const payloadVectors = payloadsJson as unknown as {
  readonly valid: readonly {
    readonly name: string;
    readonly codec: CodecSpec;
    readonly errorFeedback?: boolean;
    readonly seed?: number;
    /** That make up the vector; one row if left out. */
    readonly matrices?: readonly { readonly rows: number; readonly cols: number }[];
    /** Valid, but not the shortest, which an encoder would write. */
    readonly decodeOnly?: true;
    readonly vector: readonly number[];
    readonly hex: string;
    readonly sent: { readonly support: readonly number[] | null; readonly values: readonly number[] };
  }[];
  readonly invalid: readonly {
    readonly name: string;
    readonly codec: CodecSpec;
    readonly length: number;
    readonly hex: string;
    readonly code: WireErrorCode;
  }[];
};

export const maskVectors = masksJson as unknown as {
  readonly valid: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    /** What they were drawn from. */
    readonly seed?: number;
    readonly positions: readonly number[] | null;
    readonly hex: string;
    /** Valid, but not the shortest, which an encoder would write. */
    readonly decodeOnly?: true;
  }[];
  readonly invalid: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly hex: string;
    readonly code: WireErrorCode;
  }[];
};

/** Of positions by a history of this digest: payloads with ternary values, the classes of their coordinates and the signs to expect in hex. */
export const historyVectors = historyJson as unknown as {
  readonly digest: number;
  readonly valid: readonly {
    readonly name: string;
    readonly length: number;
    readonly classes: string;
    /** Nothing if left out. */
    readonly signs?: string;
    readonly hex: string;
    readonly support: readonly number[];
    /** Those that are negative; none if left out. */
    readonly minus?: readonly number[];
  }[];
  readonly invalid: readonly {
    readonly name: string;
    readonly length: number;
    readonly classes: string;
    /** Nothing if left out. */
    readonly signs?: string;
    readonly hex: string;
    readonly code: WireErrorCode;
  }[];
  readonly folds: {
    readonly manifest: Manifest;
    readonly deltas: readonly Readonly<
      Record<string, { readonly support: readonly number[]; readonly values: readonly number[] }>
    >[];
    /** After no delta, after the first and so on. */
    readonly digests: readonly number[];
    readonly classes: readonly string[];
    readonly signs: readonly string[];
    /** After none, after two, after six. */
    readonly states: readonly string[];
  };
};

export const frameVectors = framesJson as unknown as {
  readonly valid: readonly { readonly name: string; readonly frame: FrameJson; readonly hex: string }[];
  readonly invalid: readonly { readonly name: string; readonly hex: string; readonly code: WireErrorCode }[];
};

export const digestVectors = digestsJson as unknown as {
  readonly manifests: readonly { readonly manifest: Manifest; readonly digest: string }[];
  readonly models: readonly { readonly params: ParamsJson; readonly digest: string }[];
  readonly plans: readonly {
    readonly rules: readonly PlanRule[];
    readonly manifest: Manifest;
    readonly digest: string;
  }[];
  readonly masks: readonly MasksDigest[];
  /** Of plans for a client that has masks. */
  readonly ownedPlans: readonly (MasksDigest & { readonly rules: readonly PlanRule[] })[];
};

/** Of version 0, as it is given, and of what a patch makes of it, as bits. */
export const patchVectors = patchesJson as unknown as {
  readonly valid: readonly {
    readonly name: string;
    readonly origin: ParamsJson;
    readonly version: number;
    readonly masks?: MasksDigest["masks"];
    readonly patterns: readonly number[];
    readonly hex: string;
    /** Valid, but not the shortest, which an encoder would write. */
    readonly decodeOnly?: true;
  }[];
  readonly invalid: readonly {
    readonly name: string;
    readonly origin: ParamsJson;
    readonly hex: string;
    readonly code: WireErrorCode;
  }[];
};

interface MasksDigest {
  readonly manifest: Manifest;
  readonly masks: readonly (readonly [string, readonly number[] | null])[];
  readonly digest: string;
}

type ParamsJson = readonly (readonly [string, { readonly shape: number[]; readonly data: number[] }])[];

type FrameJson = {
  readonly kind: Frame["kind"];
  readonly params?: ParamsJson;
  readonly payloads?: readonly string[];
  readonly groups?: readonly { readonly tensors: readonly number[]; readonly payload: string }[];
  readonly masks?: readonly string[];
  /** Of a control variate. */
  readonly values?: readonly number[];
  /** Of a history. */
  readonly state?: string;
  /** Of a tally. */
  readonly steps?: string;
  /** Of a patch. */
  readonly support?: string;
  readonly planes?: string;
  readonly tensors?: readonly { readonly sums: string; readonly owners: string | null }[];
};

export function frameOf(json: FrameJson): Frame {
  const { params, payloads, groups, masks, values, state, steps, tensors, support, planes } = json;
  return {
    ...json,
    ...(params && { params: paramsOf(params) }),
    ...(steps && { steps: BigInt(steps) }),
    ...(tensors && {
      tensors: tensors.map(({ sums, owners, ...rest }) => ({
        ...rest,
        sums: bytesOf(sums),
        owners: owners === null ? null : bytesOf(owners),
      })),
    }),
    ...(payloads && { payloads: payloads.map(bytesOf) }),
    ...(masks && { masks: masks.map(bytesOf) }),
    ...(state && { state: bytesOf(state) }),
    ...(support && { support: bytesOf(support) }),
    ...(planes && { planes: bytesOf(planes) }),
    ...(values && { values: Float32Array.from(values) }),
    ...(groups && { groups: groups.map(({ tensors, payload }) => ({ tensors, payload: bytesOf(payload) })) }),
  } as Frame;
}

export const paramsOf = (json: ParamsJson): Params =>
  new Map(json.map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]));

export const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

export const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
