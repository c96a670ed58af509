// Shows the progress of an import as a bar on standard error, if that is a terminal.
import { MultiBar, Presets } from "cli-progress";

import { visible } from "../terminal.ts";

export interface ImportProgress {
  at(position: number): void;
  /** Prints a line above the bar. */
  tell(line: string): void;
  stop(): void;
}

export function showProgress(total: number): ImportProgress {
  if (!process.stderr.isTTY) {
    return { at: () => undefined, tell: (line) => console.error(visible(line)), stop: () => undefined };
  }
  const bars = new MultiBar(
    { stream: process.stderr, format: "{bar} {percentage} % in {duration_formatted}, {eta_formatted} to go" },
    Presets.shades_classic,
  );
  const bar = bars.create(total, 0);
  return {
    at: (position) => bar.update(position),
    tell: (line) => bars.log(`${visible(line)}\n`),
    stop: () => bars.stop(),
  };
}
