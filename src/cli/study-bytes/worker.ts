import { answerCells } from "../study/worker.ts";
import { run } from "./run.ts";

await answerCells(run);
