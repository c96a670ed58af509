// Vendure's shop API, with a separate process for its jobs.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { bootstrap } from "@vendure/core";
import pg from "pg";

import { serve } from "../cluster.ts";
import { givenSurroundings } from "../program.ts";
import { config } from "./config.ts";

const { databaseUrl, workers } = givenSurroundings();

const start = (file: string) => fork(fileURLToPath(new URL(file, import.meta.url)));

await serve(workers, {
  async prepare() {
    if (await isEmpty()) {
      const [code] = (await once(start("setup.ts"), "exit")) as [number | null];
      if (code !== 0) throw new Error("The tables could not be made.");
    }
    const worker = start("worker.ts");
    worker.once("exit", () => process.exit(1));
    await once(worker, "message");
  },
  async listen() {
    await bootstrap(config);
  },
});

async function isEmpty(): Promise<boolean> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  const { rows } = await client.query("select from pg_tables where schemaname = 'public' limit 1");
  await client.end();
  return rows.length === 0;
}
