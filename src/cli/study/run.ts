import type { Config } from "../../coordinator/config/config.ts";
import { loadFederated } from "../../data/source.ts";
import { ConfigError } from "../../model/error.ts";
import type { Params } from "../../model/tensor.ts";
import { federate } from "../../simulation/federate.ts";
import { roundHistory } from "../../simulation/history.ts";
import { firstAt, type Reached } from "../../simulation/target.ts";
import type { Trainer } from "../../trainer/trainer.ts";
import { initialParams } from "../../trainer/zoo.ts";

/** What studies share: one run from a config to its accuracy, options that name rows, and tables. */

export interface End {
  /** On the test split after the last round; null when the training came to no numbers any more. */
  readonly accuracy: number | null;
  /** Reports that the gates turned away. */
  readonly refused: number;
  /** Of all frames, both ways. */
  readonly bytes: number;
  /** Rounds and bytes to the accuracy asked for; null when it was not reached, or none was. */
  readonly reached: Reached | null;
}

/** With a target every round is measured, else only the last. */
export async function endOf(
  config: Config,
  trainer: Trainer,
  signal: AbortSignal,
  target: number | null = null,
): Promise<End> {
  const { clients, test } = await loadFederated(config.data!, config.clients, config.seed);
  const history = roundHistory();
  const refused = () => history.refused().reduce((sum, { reports }) => sum + reports, 0);
  const reached = () => (target === null ? null : firstAt(history.rounds(), target));
  const taskOf = (params: Params) => ({ architecture: config.model.zoo, params, dataset: test! });
  let sequence = 0;
  try {
    const { coordinator } = await federate(
      {
        config,
        runId: "study",
        initial: initialParams(config.model.zoo, config.seed),
        clients,
        trainer,
        evaluate: async (params, abort) => (target === null ? null : trainer.evaluate(taskOf(params), abort)),
        emit: (event, atMs) => history.sink.emit({ runId: "study", sequence: ++sequence, atMs, event }),
      },
      signal,
    );
    const { accuracy } = await trainer.evaluate(taskOf(coordinator.book.model().params), signal);
    const bytes = coordinator.bytes.totals().total;
    return { accuracy, refused: refused(), bytes, reached: reached() };
  } catch (error) {
    if (!(error as Error).message.startsWith("training diverged")) throw error;
    return { accuracy: null, refused: refused(), bytes: 0, reached: reached() };
  }
}

/** All, or those that were asked for, in their own order. */
export function chosen<T extends string>(
  path: string,
  all: readonly T[],
  asked: readonly string[],
): readonly T[] {
  const unknown = asked.filter((name) => !(all as readonly string[]).includes(name));
  if (unknown.length > 0)
    throw new ConfigError(unknown.map((value) => ({ path, value, expected: `one of ${all.join(", ")}` })));
  return all.filter((name) => asked.length === 0 || asked.includes(name));
}

/** One line of a table. */
export const print = (cells: readonly string[]): void => {
  process.stdout.write(
    `${cells
      .map((cell) => cell.padEnd(26))
      .join("")
      .trimEnd()}\n`,
  );
};
