// exportAccount: everything that is stored, without the hashes.
import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { PASSWORD, startServer } from "../../support/server.ts";

test("exportAccount holds all that is stored about the user, and no hash", async () => {
  const server = await startServer();
  const ada = await server.activePerson("ada");
  await server.activePerson("grace");
  const { accessToken } = await server.changeEmail(ada, "lovelace@example.com");
  await server.askForEmailChange({ accessToken }, "third@example.com");

  const answer = await server.as(accessToken).exportAccount({ password: PASSWORD });

  const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;
  const origin = { address: "127.0.0.1", userAgent: "node" };
  const session = {
    ...origin,
    id: expect.any(String) as string,
    createdAt: iso,
    lastUsedAt: iso,
    expiresAt: iso,
  };
  const event = (type: string, actor: string) => ({
    ...{ ...origin, type, actor, occurredAt: iso, count: 1, lastOccurredAt: iso },
    actorId: actor === "OWNER" ? ada.id : null,
  });
  expect(server.succeed(answer)).toEqual({
    exportedAt: iso,
    user: {
      id: ada.id,
      username: "ada",
      email: "lovelace@example.com",
      locale: "en",
      roles: ["USER"],
      isActive: true,
      formerUsername: null,
      formerUsernameUntil: null,
      createdAt: iso,
      updatedAt: iso,
    },
    sessions: [session, session],
    emailChanges: [
      { oldEmail: "lovelace@example.com", newEmail: ada.email, isUndo: true, requestedAt: iso, endsAt: null },
      {
        oldEmail: "lovelace@example.com",
        newEmail: "third@example.com",
        isUndo: false,
        requestedAt: iso,
        endsAt: null,
      },
    ],
    events: [
      event("REGISTERED", "ANYONE"),
      event("ACTIVATED", "OWNER"),
      event("EMAIL_CHANGE_REQUESTED", "OWNER"),
      event("EMAIL_CHANGED", "OWNER"),
      event("EMAIL_CHANGE_REQUESTED", "OWNER"),
      event("EXPORTED", "OWNER"),
    ],
    olderEvents: null,
  });
  expect(answer.text).not.toMatch(/argon2|hash|grace/i);
});

test("exportAccount has the shape that its documentation shows", async () => {
  const server = await startServer();
  const { accessToken } = await server.activePerson("ada");
  await server.askForEmailChange({ accessToken }, "lovelace@example.com");
  const [, section = ""] = readFileSync("docs/accounts.md", "utf8").split("### The export");
  const [, example = ""] = /```json\n([\s\S]*?)```/.exec(section) ?? [];
  const exported = server.succeed(await server.as(accessToken).exportAccount({ password: PASSWORD }));
  expect(namesIn(exported)).toEqual(namesIn(JSON.parse(example)));
});

/** The names of all fields, of the first item of each list. */
function namesIn(value: unknown): unknown {
  if (Array.isArray(value)) return [namesIn(value[0])];
  if (typeof value !== "object" || value === null) return "value";
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, namesIn(field)]));
}
