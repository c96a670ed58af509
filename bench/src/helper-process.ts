// Runs a helper program in its own process, so that its work does not count as that of the load generator. The program sends a
// message when it is ready.
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export class HelperProcess {
  readonly child: ChildProcess;
  /** The first message of the program. */
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

  /** Sends a message and returns the answer. */
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
