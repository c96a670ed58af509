// What stands in ops/ is about metrics that a server has, and each alert leads to what can be done.
import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { metricsAt } from "../support/metrics.ts";
import { startServer } from "../support/server.ts";

const ALERTS = readFileSync("ops/prometheus/alerts.yml", "utf8");
const RUNBOOK = readFileSync("docs/operations.md", "utf8");

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const { panels } = JSON.parse(readFileSync("ops/grafana/account-server.json", "utf8")) as { panels: Panel[] };
const sources = [
  ["alerts.yml", ALERTS],
  ...panels.map(({ title, targets = [] }) => [title, targets.map(({ expr }) => expr).join("\n")]),
] as [string, string][];

/** Labels whose values are few, and there from the beginning. */
const CLOSED = ["operation", "state", "pool", "limit"];

test("every metric that an alert or the dashboard asks for is there, with its labels", async () => {
  const { text } = await metricsAt((await startServer({ env: { METRICS_PORT: "0" } })).metricsUrl);
  const types = new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => [name, type]));
  const exists = (name: string) =>
    types.has(name) || types.get(name.replace(/_(?:bucket|sum|count)$/, "")) === "histogram";

  let asked = 0;
  for (const [where, source] of sources)
    for (const [, name, labels = ""] of source.matchAll(
      /\b((?:account|nodejs|process)_\w+)(?:\{([^}]*)\})?/g,
    )) {
      asked += 1;
      expect(exists(name!), `${where}: ${name}`).toBe(true);
      for (const [, label, value] of labels.matchAll(/(\w+)="([^"]*)"/g))
        if (CLOSED.includes(label!))
          expect(text, where).toMatch(new RegExp(`^${name}\\{.*${label}="${value}"`, "m"));
    }
  expect(asked).toBeGreaterThan(30);
});

test("every alert has an entry in the runbook, and every entry an alert", () => {
  const alerts = [...ALERTS.matchAll(/- alert: (\w+)\n[\s\S]*?runbook_url: (\S+)/g)];
  expect(alerts).toHaveLength(ALERTS.match(/- alert:/g)!.length);
  for (const [, name, url] of alerts) expect(url).toBe(`docs/operations.md#${name!.toLowerCase()}`);
  const entries = [...RUNBOOK.matchAll(/^### (Account\w+)\n([\s\S]*?)(?=^##)/gm)];
  expect(entries.map(([, name]) => name)).toEqual(alerts.map(([, name]) => name));
  for (const [, name, entry] of entries) expect(entry, name).toMatch(/- \*\*Look at\*\*[\s\S]*- \*\*Do\*\*/);
});
