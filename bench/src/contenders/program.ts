// How a peer's server is started as a Node process, and what that process reads of it again.
import { fileURLToPath } from "node:url";

import type { ServerProgram, Surroundings } from "../contender.ts";

/** @param script beside the file that asks, as a relative URL resolved with its `import.meta.url` */
export function nodeProgram(
  script: URL,
  surroundings: Surroundings,
  readyPath: string,
  env: Readonly<Record<string, string>> = {},
): ServerProgram {
  return {
    command: process.execPath,
    args: [fileURLToPath(script)],
    env: {
      NODE_ENV: "production",
      DATABASE_URL: surroundings.databaseUrl,
      SMTP_PORT: String(surroundings.smtpPort),
      PORT: String(surroundings.port),
      WORKERS: String(surroundings.workers),
      ...env,
    },
    readyPath,
  };
}

export function givenSurroundings(): Surroundings {
  return {
    databaseUrl: given("DATABASE_URL"),
    smtpPort: Number(given("SMTP_PORT")),
    port: Number(given("PORT")),
    workers: Number(given("WORKERS")),
  };
}

function given(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set.`);
  return value;
}
