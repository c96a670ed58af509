// A limit of memory for a process and all that it starts: a control group of Linux, of version 2 or 1.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, onTestFinished } from "vitest";

const MEGABYTE = 2 ** 20;

/** Where each version has its groups, and the names of what a group has. */
const VERSIONS = [
  {
    root: "/sys/fs/cgroup",
    limit: "memory.max",
    swap: { file: "memory.swap.max", isBesideMemory: true },
    kills: "memory.events",
    used: /^anon (\d+)$/m,
  },
  {
    root: "/sys/fs/cgroup/memory",
    limit: "memory.limit_in_bytes",
    swap: { file: "memory.memsw.limit_in_bytes", isBesideMemory: false },
    kills: "memory.oom_control",
    used: /^total_rss (\d+)$/m,
  },
];

export class MemoryLimit {
  /** Of a group's folder. */
  readonly folder: string;
  readonly #files: (typeof VERSIONS)[number];

  private constructor(folder: string, files: (typeof VERSIONS)[number]) {
    this.folder = folder;
    this.#files = files;
  }

  /** A group that goes with the test, once its processes have; null where none can be made, which takes root. No swap. */
  static make(megabytes: number): MemoryLimit | null {
    for (const files of VERSIONS) {
      const folder = join(files.root, `account-server-test-${crypto.randomUUID()}`);
      try {
        mkdirSync(folder);
      } catch {
        continue;
      }
      if (!existsSync(join(folder, files.limit))) {
        rmdirSync(folder); // a mere folder, or a group that limits nothing
        continue;
      }
      onTestFinished(async () => {
        await expect.poll(() => readFileSync(join(folder, "cgroup.procs"), "utf8")).toBe("");
        rmdirSync(folder);
      });
      const bytes = megabytes * MEGABYTE;
      writeFileSync(join(folder, files.limit), String(bytes));
      const swap = join(folder, files.swap.file);
      if (existsSync(swap)) writeFileSync(swap, String(files.swap.isBesideMemory ? 0 : bytes));
      return new MemoryLimit(folder, files);
    }
    return null;
  }

  /** How many of its processes were killed because they needed more. */
  kills(): number {
    return this.#number(this.#files.kills, /^oom_kill (\d+)$/m);
  }

  /** What its processes have now and could not get back from a disk, as they could the program's text, in megabytes. */
  usedMegabytes(): number {
    return this.#number("memory.stat", this.#files.used) / MEGABYTE;
  }

  #number(file: string, pattern: RegExp): number {
    return Number(pattern.exec(readFileSync(join(this.folder, file), "utf8"))![1]);
  }
}
