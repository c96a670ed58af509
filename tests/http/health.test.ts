// What an orchestrator asks: is the process alive, can it serve.
import { expect, inject, test } from "vitest";

import { DatabaseProxy } from "../support/database-proxy.ts";
import { captureLog } from "../support/log.ts";
import { createDatabase, query } from "../support/postgres.ts";
import { startServer } from "../support/server.ts";
import { expectRefusal } from "./refusal.ts";

test("/livez and /readyz answer 200 once the server has started", async () => {
  const server = await startServer();
  for (const path of ["/livez", "/readyz"]) {
    const response = await fetch(server.url + path);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ok" });
  }
});

test("/readyz answers 503 while the database refuses connections, and 200 when it takes them again", async () => {
  captureLog();
  const databaseUrl = await createDatabase(inject("postgresUrl"));
  const server = await startServer({ databaseUrl });
  const name = new URL(databaseUrl).pathname.slice(1);
  await query(inject("postgresUrl"), `alter database ${name} with allow_connections false`);
  await query(
    inject("postgresUrl"),
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1",
    [name],
  );

  expectRefusal(await server.send({}, "/readyz"), 503, /^SERVICE_UNAVAILABLE$/);
  expect((await fetch(`${server.url}/livez`)).status, "a restart would mend nothing").toBe(200);

  await query(inject("postgresUrl"), `alter database ${name} with allow_connections true`);
  await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status).toBe(200);
});

test("/readyz answers 503 while the database cannot be reached, and 200 when it can again", async () => {
  captureLog();
  const { proxy, databaseUrl } = await DatabaseProxy.start();
  const server = await startServer({ databaseUrl });
  proxy.cut();
  // The ends of the idle connections may still be on their way.
  await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status).toBe(503);
  expectRefusal(await server.send({}, "/readyz"), 503, /^SERVICE_UNAVAILABLE$/);
  proxy.mend();
  await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status).toBe(200);
});

test("/readyz answers 503 while the database keeps silent", async () => {
  captureLog();
  const { proxy, databaseUrl } = await DatabaseProxy.start();
  const server = await startServer({ databaseUrl });
  proxy.stall();
  try {
    // An orchestrator would not wait for ever either.
    const answer = await server.send({ signal: AbortSignal.timeout(10_000) }, "/readyz");
    expectRefusal(answer, 503, /^SERVICE_UNAVAILABLE$/);
  } finally {
    proxy.mend();
  }
});

test("an operation that needs a silent database's answer still leaves /livez alone", async () => {
  captureLog();
  const { proxy, databaseUrl } = await DatabaseProxy.start();
  const server = await startServer({ databaseUrl });
  proxy.stall();
  const login = server.login({ username: "nobody", password: "any password" });
  expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  proxy.mend();
  server.refuse(await login, "INVALID_CREDENTIALS");
});
