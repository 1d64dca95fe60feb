import { expect, test } from "vitest";
import { localSteps } from "../../src/model/local-steps.ts";

const sgd = (momentum: number) => ({ optimizer: { sgd: { learningRate: 0.1, momentum } } });

test("plain steps count one each", () => {
  expect(localSteps(sgd(0), 7)).toBe(7);
  expect(localSteps({ optimizer: { adam: { learningRate: 0.1 } } }, 7)).toBe(7);
});

test("with momentum 1/2 three steps reach as far as 1.75 + 1.5 + 1", () => {
  expect(localSteps(sgd(0.5), 3)).toBe(1.75 + 1.5 + 1);
});

test("the closed form is the sum of the steps' shares", () => {
  for (const rho of [0.1, 0.5, 0.9])
    for (const tau of [1, 2, 10, 333]) {
      let sum = 0;
      for (let k = 1; k <= tau; k++) sum += (1 - rho ** (tau - k + 1)) / (1 - rho);
      expect(localSteps(sgd(rho), tau) / sum).toBeCloseTo(1, 12);
    }
});
