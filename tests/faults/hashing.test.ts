// The process that hashes passwords dies or hangs, and everybody who waits for it is answered.
import { connect } from "node:net";

import { expect, test } from "vitest";

import { tally } from "../support/hold-back.ts";
import { externalParts, startProcess } from "../support/process.ts";
import { PASSWORD } from "../support/server.ts";
import { tokenIn } from "../support/smtp.ts";

const ADA = { username: "ada", email: "ada@example.com", password: PASSWORD };

async function startWithAda() {
  const { smtp, env } = await externalParts();
  const server = await startProcess({ env: { ...env, RATE_LIMITS: "off" } });
  const door = await server.ready();
  door.succeed(await door.register(ADA));
  door.succeed(await door.finalizeRegistration({ token: tokenIn(await smtp.mailTo(ADA.email)) }));
  return { server, door };
}

test("a process that is killed loses no login", async () => {
  const { server, door } = await startWithAda();
  const [first] = server.children("hashing-process");

  const logins = Array.from({ length: 40 }, () => door.login({ username: "ada", password: PASSWORD }));
  await Promise.race(logins);
  process.kill(first!, "SIGKILL");

  expect(tally(await Promise.all(logins))).toEqual({ done: 40 });
  expect(server.children("hashing-process")).not.toContain(first);
  expect(server.output).toContain(
    "the process that hashes passwords ended (SIGKILL); another one takes over",
  );
});

test("whoever hangs up before the hash is done gets no session", async () => {
  const { server, door } = await startWithAda();
  const [hashing] = server.children("hashing-process");
  process.kill(hashing!, "SIGSTOP");
  const hungUp = Array.from({ length: 10 }, async () => {
    const { hostname, port } = new URL(door.url);
    const socket = connect(Number(port), hostname);
    const body = JSON.stringify({
      query: `mutation { login(username: "ada", password: "${PASSWORD}") { expiresAt } }`,
    });
    const head = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    await new Promise((written) =>
      socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`, written),
    );
    return socket;
  });
  const sockets = await Promise.all(hungUp);
  door.succeed(await door.me()); // by now the server has the requests
  for (const socket of sockets) socket.destroy();
  door.succeed(await door.me());

  process.kill(hashing!, "SIGCONT");
  const { accessToken } = door.succeed(await door.login({ username: "ada", password: PASSWORD }));

  expect(door.succeed(await door.as(accessToken).sessions())).toHaveLength(2); // of the confirmation and of this login
});

test("a process that hangs is replaced, and the logins that wait for it succeed", async () => {
  const { server, door } = await startWithAda();
  const [first] = server.children("hashing-process");

  process.kill(first!, "SIGSTOP");
  const logins = Array.from({ length: 10 }, () => door.login({ username: "ada", password: PASSWORD }));

  expect(tally(await Promise.all(logins))).toEqual({ done: 10 });
  expect(server.children("hashing-process")).not.toContain(first);
});

test("whoever loses two processes in a row is told to try again", async () => {
  const { server, door } = await startWithAda();
  const [first] = server.children("hashing-process");
  process.kill(first!, "SIGSTOP"); // so that it still has the password when it is killed
  const login = door.login({ username: "ada", password: PASSWORD });
  await expect.poll(() => door.me()).toBeDefined(); // the server has taken the login before this
  process.kill(first!, "SIGKILL");
  await expect.poll(() => server.children("hashing-process").filter((pid) => pid !== first)).toHaveLength(1);
  const [second] = server.children("hashing-process");
  process.kill(second!, "SIGKILL");

  const answer = await login;

  if (answer.errors.length > 0) door.refuse(answer, "SERVER_BUSY");
  door.succeed(await door.login({ username: "ada", password: PASSWORD }));
});
