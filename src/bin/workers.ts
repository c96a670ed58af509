// Runs several processes that serve the same port (WORKERS), for machines with several cores.
import cluster, { type Worker } from "node:cluster";

/** Whether this is the primary process, which starts the others and serves no requests. */
export function isFirst(workers: number): boolean {
  return workers > 1 && cluster.isPrimary;
}

/** Whether another process has started this one to serve requests beside others. */
export function isWorker(): boolean {
  return cluster.isWorker;
}

/**
 * Starts the workers and replaces any that exits. If one exits before any has served, its replacement would too, so all stop with
 * exit code 1; later, it is tried again every second, while the others serve. A signal stops all workers in order.
 * @param stopsWithinMs the time after which workers that are still running are killed
 */
export function runWorkers(count: number, stopsWithinMs: number): void {
  const serving = new Set<Worker>();
  let exitCode: number | undefined;
  let hasServed = false;

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
  cluster.on("listening", (worker) => {
    hasServed = true;
    serving.add(worker);
  });
  cluster.on("exit", (worker, code, signal: string | null) => {
    if (exitCode !== undefined) {
      if (running().length === 0) process.exit(exitCode);
    } else if (serving.delete(worker)) {
      console.error(`Process ${worker.process.pid} exited (${signal ?? code}). Starting another one.`);
      cluster.fork();
    } else if (hasServed) {
      setTimeout(() => {
        if (exitCode === undefined) cluster.fork();
      }, 1_000);
    } else {
      stop(1); // the worker has printed the reason
    }
  });
  for (let index = 0; index < count; index += 1) cluster.fork();
}
