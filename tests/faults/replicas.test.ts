// Read replicas: real hot standbys, which answer long reads as the primary would, or not at all.
import { afterAll, beforeAll, expect, test } from "vitest";

import { metricsAt } from "../support/metrics.ts";
import { createDatabase, startPostgres, type TestPostgres } from "../support/postgres.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { Standby } from "../support/standby.ts";

let primary: TestPostgres;
let standby: Standby;

beforeAll(async () => {
  primary = await startPostgres();
  standby = await Standby.of(primary);
});
afterAll(async () => {
  await standby.stop();
  await primary.stop();
  await primary.remove();
});

async function start(env: Record<string, string> = {}): Promise<TestServer> {
  const databaseUrl = await createDatabase(primary.databaseUrl, { empty: true });
  return startServer({
    databaseUrl,
    env: { DATABASE_REPLICA_URLS: standby.url(databaseUrl), METRICS_PORT: "0", ...env },
  });
}

/** How many long reads each has answered. */
async function longReads(server: TestServer) {
  const { values } = await metricsAt(server.metricsUrl);
  const by = (who: string) => values.get(`account_database_long_reads_total{by="${who}"}`);
  return { replica: by("replica"), primary: by("primary") };
}

test("lists, audit trails and exports are read at the replica", async () => {
  const server = await start();
  const root = await server.admin();
  const door = server.as(root.accessToken);

  const { edges } = server.succeed(await door.users());
  expect(edges.map(({ node }) => node.username)).toEqual(["root"]);
  server.succeed(await door.accountEvents({ userId: root.id }));
  server.succeed(await door.recentActivity());
  server.succeed(await door.exportAccount(root));

  expect(await longReads(server)).toEqual({ replica: 4, primary: 0 });
});
