// `npm run fuzz` on the planted targets.
import { main } from "../../scripts/fuzz/main.mjs";

await main(new URL("./planted.mjs", import.meta.url).href);
