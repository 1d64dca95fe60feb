import { ConfigError } from "../model/error.ts";
import { type Architecture, type Layer, layerShapes, vocabularyOf } from "./layers.ts";
import { type Variant, variantName } from "./zoo-name.ts";

const MAX_CLASSES = 65_536;
const MAX_VOCABULARY = 2 ** 24;
const MAX_SIDE = 65_536;

/** The same architecture for other data. Throws ConfigError where it cannot be. */
export function varied(whole: Architecture, variant: Variant): Architecture {
  const { inputShape, vocabulary, numClasses } = variant;
  if (inputShape === null && vocabulary === null && numClasses === null) return whole;
  const name = variantName(whole.name, variant);
  const problem = (expected: string): ConfigError =>
    new ConfigError([{ path: "model.zoo", value: name, expected }]);
  const known = vocabularyOf(whole);
  if (vocabulary !== null && known === null) throw problem(`no -v: ${whole.name} takes numbers, not tokens`);
  if (vocabulary !== null && !(vocabulary >= 2 && vocabulary <= MAX_VOCABULARY))
    throw problem(`-v2 to -v${MAX_VOCABULARY}`);
  if (numClasses !== null && !(numClasses >= 2 && numClasses <= MAX_CLASSES))
    throw problem(`-out2 to -out${MAX_CLASSES}`);
  const isFlat = whole.layers[0]!.kind === "flatten"; // of any shape
  if (inputShape !== null && !isFlat && inputShape.length !== whole.inputShape.length)
    throw problem(
      `-in of ${whole.inputShape.length} dimensions, as ${whole.name} takes: ${whole.inputShape.join("x")}`,
    );
  if (inputShape?.some((side) => !(side >= 1 && side <= MAX_SIDE)))
    throw problem(`-in of sides 1 to ${MAX_SIDE}`);
  const layers = isFlat && inputShape?.length === 1 ? whole.layers.slice(1) : whole.layers;
  const made: Architecture = {
    name,
    inputShape: inputShape ?? whole.inputShape,
    numClasses: numClasses ?? whole.numClasses,
    layers: layers.map((layer, i) => changed(layer, i === layers.length - 1, vocabulary, numClasses)),
  };
  const shapes = layerShapes(made);
  if (shapes.some((shape) => shape.some((side) => side < 1)))
    throw problem(`inputs that ${whole.name}'s layers leave something of`);
  if (whole.layers.some(({ kind }) => kind === "pair") && made.inputShape[0] !== 2)
    throw problem("two tokens: a user and an item");
  return made;
}

function changed(layer: Layer, isHead: boolean, vocabulary: number | null, numClasses: number | null): Layer {
  if (isHead && layer.kind === "dense" && numClasses !== null) return { ...layer, units: numClasses };
  return layer.kind === "embedding" && vocabulary !== null ? { ...layer, vocabulary } : layer;
}
