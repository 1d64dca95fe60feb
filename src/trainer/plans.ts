import { blueprintOf } from "./blueprint.ts";
import { buildModel } from "./build.ts";
import { builderOf } from "./own/build.ts";
import type { OwnModel } from "./own/own-model.ts";
import type { Plan } from "./session.ts";
import { architecture } from "./zoo.ts";

/** Makes models by name in this thread: those of the zoo, and these. Throws ConfigError for any other name. */
export async function plansWith(own: readonly OwnModel[]): Promise<(name: string) => Plan> {
  const plans = new Map<string, Plan>();
  for (const { source, ...blueprint } of own) {
    const build = await builderOf(source, "model");
    plans.set(blueprint.name, { blueprint, build: async (dropout) => (await build(dropout)).model });
  }
  return (name) => {
    const known = plans.get(name);
    if (known !== undefined) return known;
    const of = architecture(name);
    return { blueprint: blueprintOf(of), build: (dropout) => buildModel(of, dropout) };
  };
}
