// One client's flood must not become everybody's wait. Rate limits are off here, so that the turns alone hold.
import { once } from "node:events";
import { request } from "node:http";

import { expect, test } from "vitest";

import { tally } from "../support/hold-back.ts";
import { FULL_HASHES, PASSWORD, startServer, type TestServer } from "../support/server.ts";

const WRONG = "wrong horse battery";
const PROXIED = { ...FULL_HASHES, RATE_LIMITS: "off", TRUSTED_PROXIES: "127.0.0.1" };

const from = (server: TestServer, address: string) => server.with({ "x-forwarded-for": address });

test("a flood of logins from one address lets everybody else's overtake it", async () => {
  const server = await startServer({ env: PROXIED });
  await server.activePerson("ada");
  let answered = 0;
  const flood = Array.from({ length: 100 }, async () => {
    const answer = await from(server, "198.51.100.1").login({ username: "ada", password: WRONG });
    answered += 1;
    return answer;
  });
  await expect.poll(() => answered).toBeGreaterThan(0);
  const before = answered;

  server.succeed(await from(server, "198.51.100.2").login({ username: "ada", password: PASSWORD }));

  expect(answered - before).toBeLessThan(40); // it waited for what was being hashed, not for all 100
  expect(tally(await Promise.all(flood))).toEqual({ INVALID_CREDENTIALS: 100 });
});

test("a flood beyond what may wait loses its own place, not that of others", async () => {
  const server = await startServer({ env: PROXIED });
  await server.activePerson("ada");
  const flood = Array.from(
    { length: 600 },
    () =>
      from(server, "198.51.100.1")
        .login({ username: "ada", password: WRONG })
        .catch(() => null), // of those that wait, on a busy machine the last are given up
  );
  await Promise.race(flood);

  const others = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      from(server, `198.51.100.${n + 2}`).login({ username: "ada", password: PASSWORD }),
    ),
  );

  expect(tally(others)).toEqual({ done: 20 });
  const answers = (await Promise.all(flood)).filter((answer) => answer !== null);
  expect(tally(answers)["SERVER_BUSY"]).toBeGreaterThan(0);
});

test("whoever hangs up costs no hash", async () => {
  const server = await startServer({ env: PROXIED });
  await server.activePerson("ada");
  const query = `mutation { login(username: "ada", password: "${WRONG}") { accessToken } }`;
  const hungUp = Array.from({ length: 200 }, () => {
    const sent = request(`${server.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-forwarded-for": "198.51.100.1" },
    });
    sent.on("error", () => undefined);
    sent.end(JSON.stringify({ query }));
    return sent;
  });
  await Promise.race(hungUp.map((sent) => once(sent, "response")));
  for (const sent of hungUp) sent.destroy();

  server.succeed(await from(server, "198.51.100.1").login({ username: "ada", password: PASSWORD }));

  const [row] = await server.query<{ failed: number }>(
    "select count(*)::int as failed from accounts.account_events where type = 'LOGIN_FAILED'",
  );
  expect(row!.failed).toBeLessThan(150); // of 200: what was hashed before they hung up
});
