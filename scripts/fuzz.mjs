// Mutated payloads against the decoders of the build in dist/: `npm run fuzz -- --codec NAME --inputs N [--from SEED]`.
import { main } from "./fuzz/main.mjs";

await main(new URL("./fuzz/targets.mjs", import.meta.url).href);
