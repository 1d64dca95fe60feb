import { Command } from "commander";
import { attacksCommand } from "./study-attacks.ts";
import { budgetCommand } from "./study-budget.ts";
import { bytesCommand } from "./study-bytes.ts";
import { driftCommand } from "./study-drift.ts";
import { masksCommand } from "./study-masks.ts";
import { precisionCommand } from "./study-precision.ts";
import { strategiesCommand } from "./study-strategies.ts";

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
