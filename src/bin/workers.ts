// Several processes that serve the same port, for machines with several cores (WORKERS).
import cluster, { type Worker } from "node:cluster";

/** Whether this process shall start the others, and serve nothing itself. */
export function isFirst(workers: number): boolean {
  return workers > 1 && cluster.isPrimary;
}

/**
 * Starts them. Whichever ends is replaced, unless it never came to serve: then all end with exit code 1, for it would go on
 * like that. A signal ends all in order.
 * @param stopsWithinMs after which those that are left are ended
 */
export function runWorkers(count: number, stopsWithinMs: number): void {
  const serving = new Set<Worker>();
  let exitCode: number | undefined;

  const running = () => Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
  const stop = (code: number) => {
    if (exitCode !== undefined) return;
    exitCode = code;
    for (const worker of running()) worker.process.kill("SIGTERM");
    setTimeout(() => {
      for (const worker of running()) worker.process.kill("SIGKILL");
    }, stopsWithinMs).unref();
    if (running().length === 0) process.exit(code);
  };

  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop(0));
  cluster.on("listening", (worker) => serving.add(worker));
  cluster.on("exit", (worker, code, signal: string | null) => {
    if (exitCode !== undefined) {
      if (running().length === 0) process.exit(exitCode);
    } else if (serving.delete(worker)) {
      console.error(`Process ${worker.process.pid} ended (${signal ?? code}): another one takes its place.`);
      cluster.fork();
    } else {
      stop(1); // it has said why
    }
  });
  for (let index = 0; index < count; index += 1) cluster.fork();
}
