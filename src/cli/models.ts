import { type Config, NOT_LOADED } from "../coordinator/config/config.ts";
import { ConfigError } from "../model/error.ts";
import { type LoadedModel, type Models, modelsWith } from "../trainer/blueprint.ts";
import type { OwnReference } from "../trainer/own/load.ts";

/** Loads the models of the user's own that a config names, which are called by name from here on. Throws ConfigError. */
export async function loadModels(
  config: Config,
): Promise<{ readonly config: Config; readonly models: Models }> {
  const { model, distill } = config;
  const { file, module } = model;
  const loaded: LoadedModel[] = [];
  let name = model.zoo;
  if (file !== undefined || module !== undefined) {
    const path = file === undefined ? "model.module" : "model.file";
    const own = await load(file === undefined ? { module: module! } : { file }, path);
    loaded.push(own);
    if (name !== NOT_LOADED && name !== own.model.name)
      throw new ConfigError([
        { path, value: own.model.name, expected: `the model that model.zoo names, ${name}` },
      ]);
    name = own.model.name;
    if (config.widths.some((width) => width < 1))
      throw new ConfigError([
        {
          path: "widths",
          value: config.widths,
          expected: "[1] with a model of your own: only the zoo's are cut",
        },
      ]);
  }
  const [, kind, path] = /^(file|module):(.+)$/.exec(distill?.student ?? "") ?? [];
  if (path !== undefined) {
    const reference = kind === "file" ? { file: path } : { module: path };
    loaded.push({ ...(await load(reference, "distill.student")), reference: distill!.student });
  }
  return { config: { ...config, model: { ...model, zoo: name } }, models: modelsWith(loaded) };
}

/** By the path alone: what ends in `.json` is a file, the rest a module. */
export const loadModel = (path: string, place: string): Promise<LoadedModel> =>
  load(/\.json$/i.test(path) ? { file: path } : { module: path }, place);

/** tfjs is loaded for models of one's own only. */
const load = async (reference: OwnReference, place: string): Promise<LoadedModel> =>
  (await import("../trainer/own/load.ts")).loadOwnModel(reference, place);
