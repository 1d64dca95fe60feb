import { Command } from "commander";
import { configJsonSchema } from "../coordinator/config/config.ts";

export const schemaCommand = (): Command =>
  new Command("schema").description("print the JSON schema of the config file, for editors").action(() => {
    process.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  });
