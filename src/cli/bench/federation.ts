import { Command } from "commander";
import { type Config, parseConfig } from "../../coordinator/config/config.ts";
import { integer, positive } from "../options.ts";

/** Federations on the built-in digits whose messages a bench looks at afterwards. */
export interface FederationOptions {
  readonly model: string;
  readonly rounds: number;
  readonly permille: number;
  readonly seed: number;
  readonly json?: boolean;
}

/** Of each round. */
const GOAL = 10;

export const federationCommand = (
  name: string,
  { model, rounds, permille }: Pick<FederationOptions, "model" | "rounds" | "permille">,
): Command =>
  new Command(name)
    .option("--model <name>", "of the zoo", model)
    .option("--rounds <n>", "of a federation", positive, rounds)
    .option("--permille <n>", "thousandths of the coordinates that are sent, either way", positive, permille)
    .option("--seed <n>", "of data, model and clients", integer, 1)
    .option("--json", "one JSON object on stdout");

/** Dirichlet 0.5, ten clients a round, top-k ternary both ways with error feedback. */
export function federationConfig(
  clients: number,
  { model, rounds, permille, seed }: Omit<FederationOptions, "json">,
  history = false,
): Config {
  const codec = { select: { topK: permille / 1000 }, values: "ternary" };
  const rules = [{ tensors: "*", codec, errorFeedback: true, ...(history && { history }) }];
  return parseConfig({
    seed,
    rounds,
    clients,
    model: { zoo: model },
    data: { source: "mnist", holdout: { test: 0.2, transfer: 0 }, partition: { dirichlet: 0.5 } },
    cohort: { goal: GOAL, minimum: 1, overSelection: 1 },
    uplink: rules,
    downlink: rules,
  });
}
