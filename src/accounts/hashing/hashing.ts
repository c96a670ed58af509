// Hashes passwords in a separate process of the lowest priority: a storm of logins uses only spare CPU time, and blocks neither the
// event loop nor the threads that serve files and DNS.
import { fork, type ChildProcess } from "node:child_process";
import { availableParallelism } from "node:os";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

import type { Logger } from "../../log.ts";
import { AccountError, serverBusy } from "../rules/account-error.ts";
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

/** If it answers nothing for so long, the process hangs. At the lowest priority, a busy machine can let a hash wait for seconds. */
const HANGS_AFTER_MS = 15_000;

interface Pending {
  readonly task: HashingTask;
  readonly answer: PromiseWithResolvers<string | boolean>;
  /** Whether a process was lost with it before. It is not given to a third: it may be what they die of. */
  isRepeated: boolean;
}

const PROGRAM = fileURLToPath(new URL(`hashing-process${extname(import.meta.url)}`, import.meta.url));

export class Hashing {
  readonly #threads: number;
  readonly #log: Pick<Logger, "warn">;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #process: ChildProcess | undefined;
  #hangs: NodeJS.Timeout | undefined;
  #isStopped = false;

  /**
   * @param sharers how many servers share the cores of this machine, each with a hashing process
   * @param log tells the operator that a process was replaced
   */
  constructor(sharers: number, log: Pick<Logger, "warn">) {
    this.#threads = Math.ceil(availableParallelism() / sharers);
    this.#log = log;
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
    this.#isStopped = true;
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
    const id = (this.#lastId += 1);
    const pending = {
      task: { id, ...task },
      answer: Promise.withResolvers<string | boolean>(),
      isRepeated: false,
    };
    this.#pending.set(id, pending);
    this.#send(pending.task);
    return pending.answer.promise;
  }

  #send(task: HashingTask): void {
    this.#process ??= this.#fork();
    this.#process.channel?.ref(); // this process does not end while it waits
    if (!this.#hangs) this.#watch();
    // An error here means that the process has ended, or hangs: then it is replaced, and this is sent again.
    this.#process.send(task, () => undefined);
  }

  #fork(): ChildProcess {
    // Of the environment, secrets included, it gets nothing but the number of its threads.
    const child = fork(PROGRAM, [], {
      env: { UV_THREADPOOL_SIZE: String(this.#threads) },
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    child.on("message", ({ id, ...answer }: HashingAnswer) => this.#settle(id, answer));
    const lost = (reason: string) => {
      if (this.#process === child) this.#replace(reason); // both events may tell of one end
    };
    child.on("error", ({ message }) => lost(message));
    child.on("exit", (code, signal) => lost(String(signal ?? code)));
    child.unref();
    child.channel?.unref();
    return child;
  }

  /** What was under way goes to another process, once. Whoever loses that one, too, may ask again later. */
  #replace(reason: string): void {
    clearTimeout(this.#hangs);
    this.#hangs = undefined;
    this.#process = undefined;
    if (!this.#isStopped)
      this.#log.warn(`the process that hashes passwords ended (${reason}); another one takes over`);
    for (const [id, pending] of this.#pending) {
      if (pending.isRepeated || this.#isStopped) {
        this.#settle(id, serverBusy());
      } else {
        pending.isRepeated = true;
        this.#send(pending.task);
      }
    }
  }

  /** Begins to wait anew for any answer, as long as something is under way. */
  #watch(): void {
    clearTimeout(this.#hangs);
    const isIdle = this.#pending.size === 0;
    this.#hangs = isIdle ? undefined : setTimeout(() => this.#process?.kill("SIGKILL"), HANGS_AFTER_MS);
  }

  #settle(id: number, answer: { result: string | boolean } | { fault: string } | AccountError): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    this.#watch();
    if (this.#pending.size === 0) this.#process?.channel?.unref();
    if (answer instanceof AccountError) pending?.answer.reject(answer);
    else if ("fault" in answer) pending?.answer.reject(new Error(answer.fault));
    else pending?.answer.resolve(answer.result);
  }
}
