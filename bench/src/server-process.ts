// Starts a server process, sends it requests, measures its memory and stops it.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import type { HttpAnswer, HttpRequest, ServerProgram } from "./contender.ts";

const READY_WITHIN_MS = 120_000;
const STOPS_WITHIN_MS = 15_000;

/** Resident memory in MB, of the process itself and including its child processes (shared memory counts in each). */
export interface ResidentMb {
  readonly itself: number;
  readonly all: number;
}

// Leaves no server running, however this process ends.
const running = new Set<ChildProcess>();
process.on("exit", () => running.forEach((child) => child.kill()));

export class ServerProcess {
  readonly url: string;
  /** The time from the start of the process until it reported that it was ready. */
  readonly readyAfterMs: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string, readyAfterMs: number) {
    this.#child = child;
    this.url = url;
    this.readyAfterMs = readyAfterMs;
  }

  static async start(program: ServerProgram, port: number, cwd?: string): Promise<ServerProcess> {
    const { command, args, env, readyPath } = program;
    const startedAt = performance.now();
    const child = spawn(command, args, {
      env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...env },
      stdio: ["ignore", "pipe", "pipe"],
      cwd,
    });
    running.add(child);
    child.on("exit", () => running.delete(child));
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-10_000)));
    }
    const url = `http://127.0.0.1:${port}`;
    while (!(await isReady(`${url}${readyPath}`))) {
      if (child.exitCode !== null || performance.now() - startedAt > READY_WITHIN_MS) {
        child.kill("SIGKILL");
        throw new Error(`${[command, ...args].join(" ")} did not become ready:\n${output}`);
      }
      await sleep(10);
    }
    return new ServerProcess(child, url, performance.now() - startedAt);
  }

  async ask(request: HttpRequest): Promise<HttpAnswer> {
    const { method, path, headers, body } = request;
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers,
      ...(body && { body }),
      redirect: "manual",
    });
    return { status: answer.status, body: await answer.text(), headers: Object.fromEntries(answer.headers) };
  }

  async residentMb(): Promise<ResidentMb> {
    const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid=,rss="]);
    const processes = stdout
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number) as [pid: number, parent: number, kib: number]);
    const kibOf = (root: number | undefined): number[] =>
      processes.flatMap(([pid, parent, kib]) => [
        ...(pid === root ? [kib] : []),
        ...(parent === root ? kibOf(pid) : []),
      ]);
    const kib = kibOf(this.#child.pid);
    const mb = (amount: number) => (amount * 1024) / 1e6;
    return { itself: mb(kib[0] ?? 0), all: mb(kib.reduce((sum, each) => sum + each, 0)) };
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const cutOff = setTimeout(() => this.#child.kill("SIGKILL"), STOPS_WITHIN_MS);
    await exited;
    clearTimeout(cutOff);
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

/** A port that is currently free. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
