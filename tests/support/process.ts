// The built server as a process of its own, started as an operator would: `node dist/bin/serve.js` with an environment
// and nothing else.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { inject, onTestFinished } from "vitest";

import { GraphQLDoor } from "./graphql.ts";
import type { MemoryLimit } from "./memory-limit.ts";
import { createDatabase } from "./postgres.ts";
import { SmtpCatcher } from "./smtp.ts";

export interface ProcessOptions {
  readonly env?: Record<string, string>;
  /** Folder with node_modules and dist. Default: this one. */
  readonly root?: string;
  /** The working directory; a temporary one by default, so that no .env is found. */
  readonly cwd?: string;
  readonly uid?: number;
  readonly script?: string;
  readonly args?: string[];
  /** Options of Node.js. */
  readonly nodeOptions?: string[];
  /** What the process and its children may have; see memory-limit.ts. */
  readonly memory?: MemoryLimit;
}

/** What a process needs of the environment that the tests run in. */
export const BARE_ENVIRONMENT = {
  PATH: process.env["PATH"] ?? "",
  NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? "",
};

export class ServerProcess {
  readonly child: ChildProcess;
  /** Standard output and error, as they came. */
  output = "";
  readonly #exited: Promise<number | null>;

  constructor(child: ChildProcess) {
    this.child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => (this.output += String(chunk)));
    this.#exited = once(child, "close").then(([code]) => code as number | null);
  }

  /** Where the server listens, once it is ready. */
  async ready(): Promise<GraphQLDoor> {
    for (;;) {
      const url = /(http:\/\/[^\s"]+)\/graphql|"url":"([^"]+)"/.exec(this.output);
      if (url) return new GraphQLDoor((url[1] ?? url[2])!);
      const ended = await Promise.race([
        this.#exited.then(() => true),
        once(this.child.stdout!, "data").then(() => false),
      ]);
      if (ended) throw new Error(`the server did not start:\n${this.output}`);
    }
  }

  /** The most memory that the process has had, in megabytes; Linux only. */
  peakMegabytes(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, "utf8");
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
  }

  /** The processes that it has started, of those whose command line has `program` in it. */
  children(program: string): number[] {
    return execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" })
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([, parent, ...args]) => Number(parent) === this.child.pid && args.join(" ").includes(program))
      .map(([pid]) => Number(pid));
  }

  /** The exit code: null after a kill. */
  exited(): Promise<number | null> {
    return this.#exited;
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    return this.#exited;
  }
}

/** Starts a process that is ended with the test. */
export async function startProcess(options: ProcessOptions = {}): Promise<ServerProcess> {
  const {
    env = {},
    root = ".",
    uid,
    script = "dist/bin/serve.js",
    args = [],
    nodeOptions = [],
    memory,
  } = options;
  const cwd = options.cwd ?? (await temporaryFolder());
  const node = resolve(root, "node_modules/.bin/node");
  const command = [node, ...nodeOptions, resolve(root, script), ...args];
  // In the group from its first moment: Node.js reads the limit as it starts.
  if (memory) command.unshift("/bin/sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', memory.folder);
  const child = spawn(command[0]!, command.slice(1), {
    cwd,
    env: { ...BARE_ENVIRONMENT, PORT: "0", ...env },
    ...(uid !== undefined && { uid, gid: uid }),
  });
  const started = new ServerProcess(child);
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) await started.end("SIGTERM");
  });
  return started;
}

/** A database and an SMTP server of the test's own, and the environment that names them. */
export async function externalParts() {
  const smtp = await SmtpCatcher.start();
  onTestFinished(() => smtp.close());
  const env = {
    DATABASE_URL: await createDatabase(inject("postgresUrl")),
    JWT_SECRET: "a secret of this test, at least 32 bytes long",
    MAIL_SERVER: "127.0.0.1",
    MAIL_PORT: String(smtp.port),
  };
  return { smtp, env };
}

/** Where a server says that its embedded PostgreSQL keeps the data. */
export function dataLocation({ output }: ServerProcess): string {
  return /data in (.+)/.exec(output)![1]!;
}

/** A folder that goes with the test; open to the user as whom root's PostgreSQL runs. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "account-server-test-"));
  await chmod(folder, 0o755);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
