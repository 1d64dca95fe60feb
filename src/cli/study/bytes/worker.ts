import { answerCells } from "../worker.ts";
import { run } from "./run.ts";

await answerCells(run);
