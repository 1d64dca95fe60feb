import { Command } from "commander";
import { attacksCommand } from "./study-attacks.ts";
import { driftCommand } from "./study-drift.ts";

export const studyCommand = (): Command =>
  new Command("study")
    .description("compare settings on real digits, in simulations on this machine")
    .addCommand(attacksCommand())
    .addCommand(driftCommand());
