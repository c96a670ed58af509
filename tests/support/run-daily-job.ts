// The daily job, now.
import { PgBoss } from "pg-boss";
import { expect } from "vitest";

import type { TestServer } from "./server.ts";

/** Has the server run its daily job; resolves once it is done. */
export async function runDailyJob(server: TestServer): Promise<void> {
  const boss = new PgBoss({
    connectionString: server.databaseUrl,
    schema: "accounts_queue",
    migrate: false,
    supervise: false,
    schedule: false,
  });
  boss.on("error", () => undefined);
  await boss.start();
  try {
    const id = await boss.send("daily", {});
    const state = async () =>
      (await server.query("select state from accounts_queue.job where id = $1", [id]))[0]?.["state"];
    await expect.poll(state).toBe("completed");
  } finally {
    await boss.stop({ graceful: false });
  }
}
