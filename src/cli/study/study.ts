import { Command } from "commander";
import { attacksCommand } from "./attacks.ts";
import { budgetCommand } from "./budget.ts";
import { bytesCommand } from "./bytes.ts";
import { driftCommand } from "./drift.ts";
import { masksCommand } from "./masks.ts";
import { precisionCommand } from "./precision.ts";
import { strategiesCommand } from "./strategies.ts";

export const studyCommand = (): Command =>
  new Command("study")
    .description("compare settings on real digits, in simulations on this machine")
    .addCommand(strategiesCommand())
    .addCommand(attacksCommand())
    .addCommand(driftCommand())
    .addCommand(masksCommand())
    .addCommand(precisionCommand())
    .addCommand(bytesCommand())
    .addCommand(budgetCommand());
