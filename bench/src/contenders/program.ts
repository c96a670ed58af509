// Starts an alternative's server as a Node process, and reads its settings in that process.
import { fileURLToPath } from "node:url";

import type { ServerProgram, Surroundings } from "../contender.ts";

/** @param script the URL of the script, resolved relative to the caller's `import.meta.url` */
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
