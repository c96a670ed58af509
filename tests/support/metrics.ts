// The metrics of a server under test, as Prometheus reads them.
import { expect } from "vitest";

export class Samples {
  readonly text: string;
  /** By the name with its labels in their order, as in `account_mails_unsent{state="failed"}`. */
  readonly values = new Map<string, number>();

  constructor(text: string) {
    this.text = text;
    for (const line of text.split("\n")) {
      const [, series, value] = /^([a-z_]\w*(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      if (series !== undefined) this.values.set(series, Number(value));
    }
  }

  /** The names of all metrics, without labels. */
  get names(): Set<string> {
    return new Set([...this.values.keys()].map((series) => series.replace(/\{.*/, "")));
  }

  /** Those that begin with this, by the rest: labels, mostly. */
  startingWith(prefix: string): Record<string, number> {
    return Object.fromEntries(
      [...this.values]
        .filter(([series]) => series.startsWith(prefix))
        .map(([series, value]) => [series.slice(prefix.length), value]),
    );
  }
}

export async function metricsAt(url: string): Promise<Samples> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return new Samples(await response.text());
}

/** How often an operation ended with a code. */
export const ended = (operation: string, code: string) =>
  `account_operation_duration_seconds_count{operation="${operation}",code="${code}"}`;
