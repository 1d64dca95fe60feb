// Targets for the fuzzer's own test: a sound one, and ones with a bug that shows on few inputs.
import { payloadTargets } from "../../scripts/fuzz/targets.mjs";

const sound = payloadTargets.ternary();

const planted = (name, act) => ({
  ...sound,
  name,
  decode: (bytes, ...rest) => (bytes[7] === 0x7f ? act() : sound.decode(bytes, ...rest)),
});

export const targets = {
  ternary: () => sound,
  broken: () => planted("broken", () => new Float32Array(-1)),
  endless: () =>
    planted("endless", () => {
      for (;;) sound.corpus.at(0);
    }),
  quitting: () => planted("quitting", () => process.exit(3)),
};
