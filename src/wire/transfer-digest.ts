import { digestOf } from "../model/manifest.ts";
import { bytesOf } from "./link-fields.ts";

/** Frames are made once and sent to many. */
const digests = new WeakMap<Uint8Array, Uint8Array>();

/** Names a download: SHA-256 of the frames' SHA-256 digests, one after the other; 64 hex digits. */
export function transferDigest(frames: readonly Uint8Array[]): string {
  return digestOf(
    ...frames.map((frame) => {
      const known = digests.get(frame);
      if (known) return known;
      const digest = bytesOf(digestOf(frame));
      digests.set(frame, digest);
      return digest;
    }),
  );
}
