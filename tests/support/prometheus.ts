// A real Prometheus with the alerts of ops/, in which a minute is a second.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect, onTestFinished } from "vitest";

import { temporaryFolder } from "./process.ts";

const isInstalled = (program: string) =>
  promisify(execFile)(program, ["--version"]).then(
    () => true,
    () => false,
  );

/** Whether the programs of Debian's package `prometheus` are there. */
export const hasPrometheus = (await isInstalled("prometheus")) && (await isInstalled("promtool"));

/** Runs promtool, which throws with its output if it finds a fault. */
export async function promtool(args: string[], input = ""): Promise<string> {
  const running = promisify(execFile)("promtool", args);
  running.child.stdin?.end(input);
  const { stdout } = await running;
  return stdout;
}

export class Prometheus {
  readonly #url: string;

  private constructor(url: string) {
    this.#url = url;
  }

  /** Reads the metrics at `address` (host and port), until the end of the test. */
  static async start(address: string): Promise<Prometheus> {
    const folder = await temporaryFolder();
    const minutesAsSeconds = (text: string) => text.replace(/\b(\d+)m\b/g, "$1s");
    writeFileSync(
      join(folder, "alerts.yml"),
      minutesAsSeconds(readFileSync("ops/prometheus/alerts.yml", "utf8")),
    );
    const config = readFileSync("ops/prometheus/prometheus.yml", "utf8");
    writeFileSync(
      join(folder, "prometheus.yml"),
      config.replace("127.0.0.1:9464", address).replace(/(_interval): 15s/g, "$1: 500ms"),
    );
    const child = spawn("prometheus", [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      "--web.listen-address=127.0.0.1:0",
    ]);
    let output = "";
    const listening = Promise.withResolvers<string>();
    const read = (chunk: Buffer) => {
      output += String(chunk);
      const [, port] = /Listening on.*127\.0\.0\.1:(\d+)/.exec(output) ?? [];
      if (port !== undefined) listening.resolve(port);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    const exited = once(child, "exit");
    void exited.then(() => listening.reject(new Error(`Prometheus ended:\n${output}`)));
    onTestFinished(async () => {
      child.kill("SIGTERM");
      await exited;
    });
    const prometheus = new Prometheus(`http://127.0.0.1:${await listening.promise}`);
    await expect.poll(() => prometheus.#value('up{job="account-server"}')).toBe("1");
    return prometheus;
  }

  /** The names of the alerts that fire. */
  async firing(): Promise<string[]> {
    const { alerts } = await this.#ask<{ alerts: { state: string; labels: { alertname: string } }[] }>(
      "alerts",
    );
    return alerts.filter(({ state }) => state === "firing").map(({ labels }) => labels.alertname);
  }

  async #value(query: string): Promise<string | undefined> {
    const { result } = await this.#ask<{ result: { value: [number, string] }[] }>(
      `query?query=${encodeURIComponent(query)}`,
    );
    return result[0]?.value[1];
  }

  async #ask<Data>(path: string): Promise<Data> {
    const response = await fetch(`${this.#url}/api/v1/${path}`);
    return ((await response.json()) as { data: Data }).data;
  }
}
