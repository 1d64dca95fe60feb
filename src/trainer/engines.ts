import { createRequire } from "node:module";
import * as tf from "@tensorflow/tfjs-core";
import { type EngineChoice, type EngineName, engineNames } from "./choice.ts";
import { type Engine, openEngine, sessionsOf } from "./engine.ts";
import { plainArithmetic, plainVector } from "./plain-arithmetic.ts";
import { openSession } from "./session.ts";

/** What `auto` tries, in this order; the native engine only on request, since results differ in the last bits. */
const AUTO: readonly EngineName[] = ["wasm", "cpu"];

const openers: Readonly<Record<EngineName, () => Promise<Engine>>> = {
  wasm: openEngine,
  node: openNative,
  cpu: openCpu,
};

/** Opens the engine asked for, or for `auto` the first that opens. Throws Error with each one's reason. */
export async function openEngineFor(choice: EngineChoice): Promise<Engine> {
  const reasons: string[] = [];
  for (const name of choice === "auto" ? AUTO : [choice])
    try {
      return await openers[name]();
    } catch (error) {
      reasons.push(`${name}: ${(error as Error).message}`);
    }
  throw new Error(`no training engine: ${reasons.join("; ")}`);
}

export interface EngineReport {
  readonly name: EngineName;
  readonly available: boolean;
  /** Why not; null when it opens. */
  readonly reason: string | null;
}

/** Opens every engine in turn, to say which would. For a process of its own: the last one opened stays in force. */
export async function probeEngines(): Promise<readonly EngineReport[]> {
  const reports: EngineReport[] = [];
  for (const name of engineNames)
    try {
      await openers[name]();
      reports.push({ name, available: true, reason: null });
    } catch (error) {
      reports.push({ name, available: false, reason: (error as Error).message });
    }
  return reports;
}

/** What `auto` comes to, given what opens; null when nothing does. */
export const automaticEngine = (reports: readonly EngineReport[]): EngineName | null =>
  AUTO.find((name) => reports.some((report) => report.name === name && report.available)) ?? null;

/** What to tell a person about an engine; null when all is well. */
export const warningOf = ({ name }: Engine): string | null =>
  name === "cpu"
    ? "training in plain JavaScript (engine cpu), some hundred times slower than WebAssembly; see `fedpress doctor`"
    : null;

async function openCpu(): Promise<Engine> {
  await import("@tensorflow/tfjs-backend-cpu");
  return openGeneric("cpu", "cpu");
}

/** The package that users may install beside fedpress; it is never downloaded with it. */
const NATIVE = "@tensorflow/tfjs-node";

async function openNative(): Promise<Engine> {
  let path: string;
  try {
    path = createRequire(import.meta.url).resolve(NATIVE);
  } catch {
    throw new Error(`${NATIVE} is not installed`);
  }
  await import(path); // registers its backend with the one tfjs-core of this process
  return openGeneric("node", "tensorflow");
}

/** The same models by tfjs' own operations; the rest in plain loops. */
async function openGeneric(name: EngineName, backend: string): Promise<Engine> {
  tf.enableProdMode();
  const isRegistered = tf.engine().registryFactory[backend] !== undefined;
  if (!isRegistered || !(await tf.setBackend(backend)))
    throw new Error(`tfjs' ${backend} backend does not start on this machine`);
  await tf.ready();
  const sessions = sessionsOf((plan) =>
    openSession(plan, {
      vectorOf: ({ size }) => plainVector(new Float32Array(size)),
      commit: (weights) =>
        tf.tidy(() => {
          for (const { tensor, vector } of weights)
            (tensor as tf.Variable).assign(tf.tensor(vector.view().slice(), tensor.shape));
        }),
    }),
  );
  return {
    name,
    arithmetic: plainArithmetic,
    session: async (plan) => {
      if (tf.getBackend() !== backend)
        throw new Error(`training needs tfjs' ${backend} backend, but ${tf.getBackend()} is active`);
      return sessions(plan);
    },
  };
}
