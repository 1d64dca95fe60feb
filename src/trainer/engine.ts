import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { openSession, type Session } from "./session.ts";
import { type Complement, installComplement } from "./wasm/complement.ts";
import { openHeap } from "./wasm/heap.ts";
import { openWorkspace, type Workspace } from "./wasm/workspace.ts";
import { architecture } from "./zoo.ts";

/** tfjs on its wasm backend with our kernels in place, and one model instance an architecture. */
export interface Engine {
  readonly workspace: Workspace;
  readonly complement: Complement;
  /** Throws ConfigError for an unknown architecture, Error when our kernels are not in force. */
  session(architectureName: string): Session;
}

/** One a thread, since tfjs keeps its backend and its kernels per thread. */
let opened: Promise<Engine> | null = null;

/** Starts tfjs and installs our kernels; later calls get the same engine. */
export function openEngine(): Promise<Engine> {
  opened ??= start();
  return opened;
}

async function start(): Promise<Engine> {
  tf.enableProdMode(); // no advice on the console
  const folder = dirname(
    createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm/package.json"),
  );
  setWasmPaths(`${join(folder, "dist")}/`);
  if (!(await tf.setBackend("wasm"))) throw new Error("tfjs' wasm backend does not start on this machine");
  await tf.ready();
  const workspace = openWorkspace(openHeap(tf.backend()));
  const complement = installComplement(workspace);
  const sessions = new Map<string, Session>();
  return {
    workspace,
    complement,
    session: (name) => {
      complement.check();
      const session = sessions.get(name) ?? openSession(architecture(name), workspace.heap);
      sessions.set(name, session);
      return session;
    },
  };
}
