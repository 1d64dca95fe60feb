import { Worker } from "node:worker_threads";
import { COUNT, SEED } from "./beat.mjs";

/**
 * A worker thread that hunts chunks one at a time, watched from outside, since a decoder that loops lets nothing else run
 * on its own thread. `hunt` gives the chunk's result; or, with the seed that it was at, why there is none (`lost`); or
 * null once `signal` aborts. A thread that lost a chunk is ended, and the next chunk gets a new one.
 */
export function huntingThread(module, { hangSeconds, signal }) {
  let worker = null;
  let beat = null;
  const end = async () => {
    const ended = worker;
    worker = null;
    await ended?.terminate(); // also out of a loop
  };
  const begin = () => {
    beat = new Uint32Array(new SharedArrayBuffer(8));
    worker = new Worker(new URL("./worker.mjs", import.meta.url), { workerData: { module, beat } });
  };
  const answerTo = (chunk) =>
    new Promise((resolve) => {
      const listeners = {
        message: (result) => finish(result),
        error: (error) => finish({ lost: `its thread ended: ${error}`, seed: beat[SEED] }),
        exit: (code) => finish({ lost: `its thread exited with ${code}`, seed: beat[SEED] }),
      };
      const onAbort = () => finish(null);
      const watch = setInterval(onTick, Math.min(250, 250 * hangSeconds));
      let [count, sinceMs] = [0, performance.now()];
      function onTick() {
        const now = Atomics.load(beat, COUNT);
        if (now === 0 || now !== count) [count, sinceMs] = [now, performance.now()];
        else if (performance.now() - sinceMs > 1000 * hangSeconds)
          finish({ lost: `no answer within ${hangSeconds} s`, seed: beat[SEED] });
      }
      function finish(answer) {
        clearInterval(watch);
        signal.removeEventListener("abort", onAbort);
        for (const [event, listener] of Object.entries(listeners)) worker.off(event, listener);
        resolve(answer);
      }
      for (const [event, listener] of Object.entries(listeners)) worker.on(event, listener);
      signal.addEventListener("abort", onAbort);
      beat[SEED] = chunk.from;
      worker.postMessage(chunk);
    });
  return {
    end,
    async hunt(chunk) {
      if (signal.aborted) return null;
      if (worker === null) begin();
      const answer = await answerTo(chunk);
      if (answer === null || answer.lost !== undefined) await end();
      return answer;
    },
  };
}
