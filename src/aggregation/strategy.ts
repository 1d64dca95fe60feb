import type { Manifest } from "../model/manifest.ts";
import type { UpdateMessage } from "../model/message.ts";
import type { Grid } from "../model/protocol.ts";
import type { Params } from "../model/tensor.ts";
import { sendersOverOwners } from "./mean.ts";
import { type ServerOptimizer, type ServerOptimizerSettings, serverOptimizer } from "./server-optimizer.ts";
import { addUpdate, emptyTally, type Tally } from "./tally.ts";

/** How updates become one: a fold, then a server optimizer. */
export interface AggregationStrategy {
  begin(manifest: Manifest, grid: Grid): Tally;
  /** In place. */
  add(tally: Tally, update: UpdateMessage): void;
  /** The mean delta, coordinate by coordinate. */
  finish(tally: Tally, manifest: Manifest): Params;
  readonly optimizer: ServerOptimizer;
}

export interface AggregationSettings {
  readonly strategy: keyof typeof strategies;
  /** Which coordinates stay in the global model: those that somebody owns. */
  readonly maskPolicy: "union";
  readonly serverOptimizer: ServerOptimizerSettings;
}

const strategies = {
  /** McMahan et al., "Communication-Efficient Learning of Deep Networks from Decentralized Data", 2017. */
  fedavg: { begin: emptyTally, add: addUpdate, finish: sendersOverOwners },
};

export const strategyNames = Object.keys(strategies) as [keyof typeof strategies];

export const aggregationStrategy = (settings: AggregationSettings): AggregationStrategy => ({
  ...strategies[settings.strategy],
  optimizer: serverOptimizer(settings.serverOptimizer),
});
