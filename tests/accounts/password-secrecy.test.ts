// A password never comes back in an answer, however it was sent.
import { describe, expect, test } from "vitest";

import type { Answer } from "../support/graphql.ts";
import { sharedServer } from "../support/server.ts";

describe("no answer repeats a password, when it is sent", () => {
  const SECRET = "Zk7Secret4x9";
  const shared = sharedServer();

  const LOGIN =
    'mutation ($password: String!) { login(username: "ada", password: $password) { accessToken } }';
  const post = (body: string) =>
    shared().send({ method: "POST", headers: { "content-type": "application/json" }, body });
  const inline = (argument: string) =>
    shared().execute(`mutation { login(username: "ada", password: ${argument}) { accessToken } }`);

  test.each<[string, () => Promise<Answer<unknown>>]>([
    ["with a malformed name", () => shared().register({ username: "no", email: "no", password: SECRET })],
    ["with a NUL", () => shared().register({ username: "ada", email: "ada@x.io", password: `${SECRET}\0` })],
    [
      "too long",
      () => shared().register({ username: "ada", email: "ada@x.io", password: SECRET.repeat(20) }),
    ],
    [
      "as the username too",
      () => shared().register({ username: SECRET, email: "ada@x.io", password: SECRET }),
    ],
    ["to log in", () => shared().login({ username: "ada", password: SECRET })],
    ["with a bad token", () => shared().finalizeReset({ token: "no.token.atall", password: SECRET })],
    ["as a list", () => shared().execute(LOGIN, { password: [SECRET] })],
    ["as an object", () => shared().execute(LOGIN, { password: { value: SECRET } })],
    ["as the key of an object", () => shared().execute(LOGIN, { password: { [SECRET]: 1 } })],
    ["as a variable that is not declared", () => shared().execute(LOGIN, { [SECRET]: SECRET })],
    ["without quotation marks", () => inline(SECRET)],
    ["without quotation marks, of two words", () => inline(`${SECRET} ${SECRET}`)],
    ["without quotation marks, after a number", () => inline(`1${SECRET}`)],
    ["without quotation marks, as a list", () => inline(`[${SECRET}]`)],
    ["without quotation marks, as an object", () => inline(`{ ${SECRET}: 1 }`)],
    ["without quotation marks, after a dollar sign", () => inline(`$${SECRET}`)],
    ["without quotation marks, after an at sign", () => inline(`"a" @${SECRET}`)],
    ["in single quotation marks", () => inline(`'${SECRET}'`)],
    ["with its end forgotten", () => inline(`"${SECRET}`)],
    ["with a bad escape", () => inline(`"\\${SECRET}"`)],
    ["with a bad Unicode escape", () => inline(`"\\u${SECRET}"`)],
    [
      "as JSON without quotation marks",
      () => post(`{"query":"{me{id}}","variables":{"password":${SECRET}}}`),
    ],
    ["as JSON with its end forgotten", () => post(`{"query":"{me{id}}","variables":{"password":"${SECRET}`)],
    ["as variables that are no object", () => post(JSON.stringify({ query: LOGIN, variables: SECRET }))],
  ])("%s", async (_, send) => {
    const answer = await send();

    expect(answer.errors).not.toEqual([]);
    expect(answer.text.toLowerCase()).not.toContain(SECRET.toLowerCase());
  });
});
