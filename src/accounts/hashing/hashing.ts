// Hashes passwords in a separate process of the lowest priority: a storm of logins uses only spare CPU time, and blocks neither the
// event loop nor the threads that serve files and DNS.
import { fork, type ChildProcess } from "node:child_process";
import { availableParallelism } from "node:os";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

import type { WorkFactor } from "./hash-formats.ts";

/** Either to make a hash, or to compare the password with one. */
export type HashingTask = {
  readonly id: number;
  readonly password: string;
  /** The secret of argon2 (RFC 9106), in base64. It goes with each task, so that the process keeps none. */
  readonly pepper?: string;
} & ({ readonly workFactor: WorkFactor } | { readonly hash: string });

type WithoutId<Task> = Task extends unknown ? Omit<Task, "id"> : never;

export type HashingAnswer =
  | { readonly id: number; readonly result: string | boolean }
  | { readonly id: number; readonly fault: string };

const PROGRAM = fileURLToPath(new URL(`hashing-process${extname(import.meta.url)}`, import.meta.url));

export class Hashing {
  readonly #threads: number;
  readonly #pending = new Map<number, PromiseWithResolvers<string | boolean>>();
  #lastId = 0;
  #process: ChildProcess | undefined;

  /** @param sharers how many servers share the cores of this machine, each with a hashing process */
  constructor(sharers: number) {
    this.#threads = Math.ceil(availableParallelism() / sharers);
  }

  /** How many passwords to hand over at a time: enough that no thread waits for the next. */
  get concurrency(): number {
    return 2 * this.#threads;
  }

  /** Starts the process, so that the first password need not wait for it. */
  start(): void {
    this.#process ??= this.#fork();
  }

  /** Ends the process, and with it what it has under way. */
  stop(): void {
    if (this.#process?.connected) this.#process.disconnect();
  }

  /** Makes an argon2id hash. */
  async hash(password: string, workFactor: WorkFactor, pepper?: string): Promise<string> {
    return (await this.#ask({ password, workFactor, ...(pepper && { pepper }) })) as string;
  }

  /** Whether `password` made `hash`, of whichever format; the pepper is used for argon2 only. */
  async matches(hash: string, password: string, pepper?: string): Promise<boolean> {
    return (await this.#ask({ password, hash, ...(pepper && { pepper }) })) as boolean;
  }

  #ask(task: WithoutId<HashingTask>): Promise<string | boolean> {
    this.#process ??= this.#fork();
    this.#process.channel?.ref(); // this process does not end while it waits
    const id = (this.#lastId += 1);
    const answer = Promise.withResolvers<string | boolean>();
    this.#pending.set(id, answer);
    this.#process.send(
      { id, ...task } satisfies HashingTask,
      (error) => error && this.#settle(id, { fault: error.message }),
    );
    return answer.promise;
  }

  #fork(): ChildProcess {
    // Of the environment, secrets included, it gets nothing but the number of its threads.
    const child = fork(PROGRAM, [], {
      env: { UV_THREADPOOL_SIZE: String(this.#threads) },
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    child.on("message", ({ id, ...answer }: HashingAnswer) => this.#settle(id, answer));
    // What is under way is lost; the next password starts another process.
    const lost = (reason: string) => {
      if (this.#process !== child) return; // both events may tell of one end
      this.#process = undefined;
      for (const id of this.#pending.keys())
        this.#settle(id, { fault: `the hashing process ended: ${reason}` });
    };
    child.on("error", ({ message }) => lost(message));
    child.on("exit", (code, signal) => lost(String(signal ?? code)));
    child.unref();
    child.channel?.unref();
    return child;
  }

  #settle(id: number, answer: { result: string | boolean } | { fault: string }): void {
    const { resolve, reject } = this.#pending.get(id) ?? {};
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#process?.channel?.unref();
    if ("fault" in answer) reject?.(new Error(answer.fault));
    else resolve?.(answer.result);
  }
}
