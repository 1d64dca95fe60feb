import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import type { Arithmetic } from "./arithmetic.ts";
import type { EngineName } from "./choice.ts";
import { heapArithmetic, heapVector } from "./heap-arithmetic.ts";
import { openSession, type Plan, type Session } from "./session.ts";
import { type Complement, installComplement } from "./wasm/complement.ts";
import { openHeap } from "./wasm/heap.ts";
import { openWorkspace, type Workspace } from "./wasm/workspace.ts";

/** tfjs on one of its backends, with one model instance an architecture. */
export interface Engine {
  readonly name: EngineName;
  /** Throws Error when this engine's backend is not in force. */
  session(plan: Plan): Promise<Session>;
  /** For one job, which closes it. */
  arithmetic(): Arithmetic;
}

/** tfjs' wasm backend with our kernels in place. */
export interface WasmEngine extends Engine {
  readonly workspace: Workspace;
  readonly complement: Complement;
}

/** One a thread, since tfjs keeps its backend and its kernels per thread. */
let opened: Promise<WasmEngine> | null = null;

/** Starts tfjs' wasm backend and installs our kernels; later calls get the same engine. */
export function openEngine(): Promise<WasmEngine> {
  opened ??= start();
  return opened;
}

async function start(): Promise<WasmEngine> {
  tf.enableProdMode(); // no advice on the console
  const folder = dirname(
    createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm/package.json"),
  );
  setWasmPaths(`${join(folder, "dist")}/`);
  if (!(await tf.setBackend("wasm"))) throw new Error("tfjs' wasm backend does not start on this machine");
  await tf.ready();
  const workspace = openWorkspace(openHeap(tf.backend()));
  const { heap } = workspace;
  const complement = installComplement(workspace);
  const sessions = sessionsOf((plan) =>
    openSession(plan, {
      // the model's own memory, written in place: nothing else shares it
      vectorOf: (tensor) => heapVector(heap, heap.pointerTo(tensor), tensor.size),
      commit: () => {},
    }),
  );
  return {
    name: "wasm",
    workspace,
    complement,
    arithmetic: () => heapArithmetic(workspace),
    session: async (plan) => {
      complement.check();
      return sessions(plan);
    },
  };
}

/** One session an architecture, opened when it is first needed. */
export function sessionsOf(open: (plan: Plan) => Promise<Session>): (plan: Plan) => Promise<Session> {
  const sessions = new Map<string, Session>();
  return async (plan) => {
    const { name } = plan.blueprint;
    const session = sessions.get(name) ?? (await open(plan));
    sessions.set(name, session);
    return session;
  };
}
