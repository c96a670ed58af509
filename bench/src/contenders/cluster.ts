// Serves from as many processes as are asked for.
import cluster from "node:cluster";
import { once } from "node:events";

let ready = false;

/** Whether every process listens. Before that, all connections would go to the first one. */
export const isReady = (): boolean => ready;

/** `prepare` happens once, `listen` in each process that serves requests. */
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
