// The settings of compose.yaml, as the server reads them. compose.long.test.ts starts it.
import { readFileSync } from "node:fs";

import { expect, test } from "vitest";
import { parse } from "yaml";

import { loadConfig } from "../../src/config/config.ts";
import { parseEnv } from "../../src/config/env-file.ts";

const SECRETS = {
  DATABASE_URL: "postgresql://accounts:secret@pgbouncer:6432/accounts",
  DATABASE_DIRECT_URL: "postgresql://accounts:secret@postgres:5432/accounts",
  JWT_SECRET: "a secret of this test, at least 32 bytes long",
};
const trial = parseEnv(readFileSync("ops/compose/trial.env", "utf8"));

test("with the settings that the documentation adds, it is ready for production", () => {
  const section = readFileSync("docs/operations.md", "utf8").split("\n### Compose\n")[1]!.split("\n### ")[0]!;
  const [block] = /(?:^ {4}[A-Z_]+=.*\n)+/m.exec(section)!;
  const production = parseEnv(block.replace("MAIL_PASSWORD=...", "MAIL_PASSWORD=secret"));

  expect(loadConfig({ ...trial, ...SECRETS }).isProduction).toBe(false);
  const config = loadConfig({ ...trial, ...production, ...SECRETS });
  expect(config).toMatchObject({
    isProduction: true,
    smtp: { host: "smtp.example.com", security: "starttls" },
  });
});

test("a container has time to stop, and Prometheus and the proxy ask where the server listens", () => {
  const { server } = (
    parse(readFileSync("compose.yaml", "utf8")) as { services: { server: { stop_grace_period: string } } }
  ).services;
  const config = loadConfig({ ...trial, ...SECRETS });
  expect(parseInt(server.stop_grace_period)).toBeGreaterThan(9 + config.drainSeconds);
  expect(readFileSync("ops/compose/haproxy.cfg", "utf8")).toContain(` server:${config.port}\n`);
  expect(readFileSync("ops/compose/prometheus.yml", "utf8")).toContain(`port: ${config.metricsPort}\n`);
});
