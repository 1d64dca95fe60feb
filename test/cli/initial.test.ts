import { expect, test } from "vitest";
import { initialModel } from "../../src/cli/initial.ts";
import { parseConfig } from "../../src/coordinator/config/config.ts";
import { ConfigError } from "../../src/model/error.ts";

const initial = (zoo: string, student?: string) => {
  const distill = student === undefined ? {} : { distill: { student } };
  const data = { source: "mnist", holdout: { test: 0.1, transfer: 0.1 } };
  return () => initialModel(parseConfig({ model: { zoo }, data, ...distill }));
};

test("a student must see what the model sees: told at once, not after the last round", () => {
  expect(initial("lenet-5", "tiny-cnn")).not.toThrow();
  expect(initial("transformer", "transformer")).not.toThrow();
  for (const [zoo, student] of [
    ["transformer", "tiny-cnn"],
    ["lenet-5", "lstm"],
  ] as const) {
    expect(initial(zoo, student)).toThrow(ConfigError);
    expect(initial(zoo, student)).toThrow("distill.student");
  }
  expect(initial("lenet-5", "nobody")).toThrow("expected one of");
});
