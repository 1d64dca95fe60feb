import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

/** What a process of the bench can be asked for, by name. */
export type Questions = { readonly [name: string]: (argument: never) => unknown };

export interface Worker<Q extends Questions> {
  /** Rejects when the work fails or the process ends. One after the other, in the order of asking. */
  ask<K extends keyof Q & string>(name: K, ...argument: Parameters<Q[K]>): Promise<Awaited<ReturnType<Q[K]>>>;
  end(): Promise<void>;
}

interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** This very command as a process of its own, in the given role, with a collector of garbage that can be called. */
export function startWorker<Q extends Questions>(role: string, args: readonly string[]): Worker<Q> {
  const child = fork(process.argv[1]!, [...args, "--role", role], {
    execArgv: ["--expose-gc"],
    serialization: "advanced",
  });
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  child.on("message", ({ id, value, error }: Answer) => {
    const asker = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asker?.resolve(value as never);
    else asker?.reject(new Error(`${role}: ${error}`));
  });
  child.on("exit", (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`${role} ended with ${signal ?? code}`));
    waiting.clear();
  });
  return {
    ask: (name, ...[argument]) =>
      new Promise((resolve, reject) => {
        const question: Question = { id: ++lastId, name, argument };
        waiting.set(question.id, { resolve, reject });
        child.send(question, (error) => error && reject(error));
      }),
    end: () => ended(child),
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
  await gone;
  clearTimeout(timer);
}

/** The other side: answers until whoever asks is gone, then cleans up and ends. */
export async function answerQuestions(questions: Questions, cleanUp: () => Promise<void>): Promise<void> {
  process.on("message", async ({ id, name, argument }: Question) => {
    const reply = (answer: Answer) => process.connected && process.send!(answer);
    try {
      reply({ id, value: await questions[name]!(argument as never) });
    } catch (error) {
      reply({ id, error: (error as Error).message });
    }
  });
  for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => {}); // whoever asks decides
  await once(process, "disconnect");
  await cleanUp();
  process.exit(0);
}
