// Serves from a given number of processes.
import cluster from "node:cluster";
import { once } from "node:events";

let ready = false;

/** Whether all processes are listening. Until then, all connections go to the first one. */
export const isReady = (): boolean => ready;

/** Calls `prepare` once, and `listen` in each process that serves requests. */
export async function serve(
  workers: number,
  steps: { prepare: () => Promise<void>; listen: () => Promise<void> },
): Promise<void> {
  if (cluster.isWorker) {
    process.once("message", () => (ready = true));
    return steps.listen();
  }
  await steps.prepare();
  if (workers === 1) {
    await steps.listen();
    ready = true;
    return;
  }
  cluster.on("exit", () => process.exit(1));
  const processes = Array.from({ length: workers }, () => cluster.fork());
  await Promise.all(processes.map((worker) => once(worker, "listening")));
  for (const worker of processes) worker.send("ready");
}
