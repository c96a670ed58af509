// A program of ours in a process of its own, so that what it does is not measured as the load generator's. It says
// something once it is ready.
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export class HelperProcess {
  readonly child: ChildProcess;
  /** What it said first. */
  greeting: unknown;

  private constructor(child: ChildProcess) {
    this.child = child;
  }

  /** @param program relative to this folder */
  static async start(program: string): Promise<HelperProcess> {
    const child = fork(fileURLToPath(new URL(program, import.meta.url)), { serialization: "advanced" });
    const helper = new HelperProcess(child);
    helper.greeting = await helper.#answer();
    return helper;
  }

  /** What it answers to a message. */
  async ask<Answer>(message: string | number | object): Promise<Answer> {
    const answer = this.#answer();
    this.child.send(message);
    return (await answer) as Answer;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const exited = once(this.child, "exit");
    this.child.kill();
    await exited;
  }

  async #answer(): Promise<unknown> {
    const [message] = (await Promise.race([
      once(this.child, "message"),
      once(this.child, "exit").then(([code]) => {
        throw new Error(`${this.child.spawnargs.join(" ")} ended (${String(code)}) before it answered.`);
      }),
    ])) as [unknown];
    return message;
  }
}
