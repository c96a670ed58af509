// Which passwords are taken, and that they are taken exactly as sent. Those refused as weak are in ../errors.test.ts.
import { describe, expect, test } from "vitest";

import { PASSWORD, sharedServer, startServer, type Person, type TestServer } from "../../support/server.ts";

const NEW_PASSWORD = "a new battery staple";

/** A text that neither repeats itself nor is a run. */
const varied = (length: number) =>
  Array.from({ length: 40 }, (_, index) => `${index * index}/`)
    .join("")
    .slice(0, length);

let people = 0;

/** Somebody with this password, of a name not used before. */
async function activePerson(server: TestServer, password: string): Promise<Person> {
  people += 1;
  const person = await server.registerPerson(`ada-${people}`, `ada-${people}@example.com`, password);
  const token = await server.confirmationToken(person.email);
  server.succeed(await server.finalizeRegistration({ token }));
  return person;
}

async function resetTokenOf(server: TestServer, email: string): Promise<string> {
  server.succeed(await server.requestReset({ email }));
  return server.resetToken(email);
}

describe("a password is taken, at register and at finalizeReset, with", () => {
  const shared = sharedServer();

  test.each([
    { what: "8 characters", password: "x7$kQ.zz" },
    { what: "128 characters", password: varied(128) },
    { what: "8 characters of two UTF-16 units each", password: "🦊🐢🦉🐙🦀🐝🦋🐬" },
    {
      what: "128 characters of two UTF-16 units each",
      password: String.fromCodePoint(...Array.from({ length: 128 }, (_, index) => 0x1f400 + index)),
    },
    { what: "one character repeated in it", password: "zzzzzzzzzzzz, snored the cat" },
    { what: "nothing but digits", password: "8604917235" },
    { what: "spaces around it", password: "  two at each end  " },
    { what: "a common password in it", password: "password1 and more" },
  ])("$what", async ({ password }) => {
    const server = shared();
    const { username, email } = await activePerson(server, password);

    server.succeed(await server.login({ username, password }));

    const token = await resetTokenOf(server, email);
    server.succeed(await server.finalizeReset({ token, password }));
    server.succeed(await server.login({ username, password }));
  });
});

describe("a password is taken exactly as sent, with", () => {
  const shared = sharedServer();

  test.each([
    {
      what: "spaces around it",
      password: " spaces around ",
      others: ["spaces around", " spaces around", "spaces around "],
    },
    { what: "its letters' case", password: "Case Matters", others: ["case matters", "CASE MATTERS"] },
    { what: "a composed letter", password: "Zo\u00eb's horse", others: ["Zoe\u0308's horse", "Zoe's horse"] },
    { what: "a decomposed letter", password: "Zoe\u0308's horse", others: ["Zo\u00eb's horse"] },
    { what: "a full-width letter", password: "\uff41 new battery", others: ["a new battery"] },
    { what: "a zero-width space", password: "zero\u200bwidth", others: ["zerowidth"] },
    { what: "line ends", password: "line\r\nends here", others: ["line\nends here"] },
    { what: "more than 72 bytes", password: varied(100), others: [varied(72), varied(99)] },
  ])("$what", async ({ password, others }) => {
    const server = shared();
    const { username } = await activePerson(server, password);

    for (const other of others)
      server.refuse(await server.login({ username, password: other }), "INVALID_CREDENTIALS");
    server.succeed(await server.login({ username, password }));
  });
});

test("PASSWORD_MIN_LENGTH raises the shortest length, at register and at finalizeReset", async () => {
  const server = await startServer({ env: { PASSWORD_MIN_LENGTH: "12" } });
  const [short, long] = ["x7$kQ.zz-11", "x7$kQ.zz--12"];
  const person = { username: "ada", email: "ada@example.com" };

  const error = server.refuse(await server.register({ ...person, password: short }), "WEAK_PASSWORD");
  expect(error.message).toMatch(/at least 12 characters/);
  server.succeed(await server.register({ ...person, password: long }));
  const confirmation = await server.confirmationToken(person.email);
  server.succeed(await server.finalizeRegistration({ token: confirmation }));

  const token = await resetTokenOf(server, person.email);
  server.refuse(await server.finalizeReset({ token, password: short }), "WEAK_PASSWORD");
  server.succeed(await server.finalizeReset({ token, password: long }));
});

test("a reset link stays good after a password that was refused", async () => {
  const server = await startServer();
  const { username, email } = await server.activePerson("ada");
  const token = await resetTokenOf(server, email);

  for (const password of ["short", "password1", "ADA@example.com", "x".repeat(129), "a NUL\0inside it"]) {
    const { errors } = await server.finalizeReset({ token, password });
    expect(errors.map(({ extensions }) => extensions.field)).toEqual(["password"]);
  }
  server.succeed(await server.login({ username, password: PASSWORD }));

  server.succeed(await server.finalizeReset({ token, password: NEW_PASSWORD }));
  server.succeed(await server.login({ username, password: NEW_PASSWORD }));
});
