// Has passwords hashed by a process of its own, whose threads wait for every other: a storm of logins takes what the cores
// have left, and neither the event loop nor the threads that serve files and DNS.
import { fork, type ChildProcess } from "node:child_process";
import { availableParallelism } from "node:os";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

export interface HashingTask {
  readonly id: number;
  readonly password: string;
  /** To compare the password with; without it, a new one is made. */
  readonly hash?: string;
}

export type HashingAnswer =
  | { readonly id: number; readonly result: string | boolean }
  | { readonly id: number; readonly fault: string };

/** Passwords that are hashed at the same time: on every core, unless others like this process share them. */
let threads = availableParallelism();

const PROGRAM = fileURLToPath(new URL(`hashing-process${extname(import.meta.url)}`, import.meta.url));

/** The hash in force of a password. */
export async function hash(password: string): Promise<string> {
  return (await ask({ password })) as string;
}

/** Whether `password` made `hash`, of whichever format. */
export async function matches(hash: string, password: string): Promise<boolean> {
  return (await ask({ password, hash })) as boolean;
}

const pending = new Map<number, PromiseWithResolvers<string | boolean>>();
let lastId = 0;
let running: ChildProcess | undefined;

/**
 * Starts the process, so that the first hash need not wait for it.
 * @param sharers how many servers share the cores of this machine, each with a hashing process
 */
export function startHashing(sharers: number): void {
  threads = Math.ceil(availableParallelism() / sharers);
  running ??= start();
}

/** How many are handed over at a time: enough that no thread waits for the next. */
export function hashesAtOnce(): number {
  return 2 * threads;
}

function ask(task: Omit<HashingTask, "id">): Promise<string | boolean> {
  running ??= start();
  running.channel?.ref(); // this process does not end while it waits
  const id = (lastId += 1);
  const answer = Promise.withResolvers<string | boolean>();
  pending.set(id, answer);
  running.send(
    { id, ...task } satisfies HashingTask,
    (error) => error && settle(id, { fault: error.message }),
  );
  return answer.promise;
}

function start(): ChildProcess {
  // Of the environment it gets nothing, secrets above all, but the number of its threads.
  const child = fork(PROGRAM, [], {
    env: { UV_THREADPOOL_SIZE: String(threads) },
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  child.on("message", ({ id, ...answer }: HashingAnswer) => settle(id, answer));
  // The next password starts another one; those that are under way are lost.
  const lost = (reason: string) => {
    if (running !== child) return; // told of already
    running = undefined;
    for (const id of pending.keys()) settle(id, { fault: `the hashing process ended: ${reason}` });
  };
  child.on("error", ({ message }) => lost(message));
  child.on("exit", (code, signal) => lost(String(signal ?? code)));
  child.unref();
  child.channel?.unref();
  return child;
}

function settle(id: number, answer: { result: string | boolean } | { fault: string }): void {
  const { resolve, reject } = pending.get(id) ?? {};
  pending.delete(id);
  if (pending.size === 0) running?.channel?.unref();
  if ("fault" in answer) reject?.(new Error(answer.fault));
  else resolve?.(answer.result);
}
