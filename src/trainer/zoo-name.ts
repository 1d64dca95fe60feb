import { widthOf } from "./width.ts";

/** What a variant changes of an architecture; null: as it is. */
export interface Variant {
  readonly inputShape: readonly number[] | null;
  readonly vocabulary: number | null;
  readonly numClasses: number | null;
}

export interface ZooName {
  readonly base: string;
  readonly variant: Variant;
  readonly width: number;
}

/**
 * `NAME[-inAxBxC][-vN][-outN][-wWIDTH]`: inputs of that shape, a vocabulary of N tokens, N classes, and a width. All that a
 * client needs to make the model is in its name.
 */
export function parseName(name: string): ZooName {
  const { base: whole, width } = widthOf(name);
  const [, base, shape, vocabulary, classes] =
    /^(.+?)(?:-in(\d{1,5}(?:x\d{1,5}){0,2}))?(?:-v(\d{1,8}))?(?:-out(\d{1,5}))?$/.exec(whole) ?? [];
  return {
    base: base ?? whole,
    variant: {
      inputShape: shape?.split("x").map(Number) ?? null,
      vocabulary: vocabulary === undefined ? null : Number(vocabulary),
      numClasses: classes === undefined ? null : Number(classes),
    },
    width,
  };
}

/** The name of a variant of `base`. */
export const variantName = (base: string, { inputShape, vocabulary, numClasses }: Variant): string =>
  [
    base,
    inputShape && `in${inputShape.join("x")}`,
    vocabulary !== null && `v${vocabulary}`,
    numClasses !== null && `out${numClasses}`,
  ]
    .filter(Boolean)
    .join("-");
