// What happens when more passwords wait for being hashed than the server is willing to hold.
import { expect, test } from "vitest";

import { listedCodes, type Answer } from "../support/graphql.ts";
import { FULL_HASHES, PASSWORD, startServer } from "../support/server.ts";

test(
  "more passwords than the server can hold are SERVER_BUSY, the first 200 never, and afterwards it works again",
  { timeout: 120_000 },
  async () => {
    // As through a proxy, which may open more connections than a client.
    const server = await startServer({ env: { ...FULL_HASHES, TRUSTED_PROXIES: "127.0.0.1" } });
    const wrong = "wrong horse battery";
    // Somebody else's than the resets, which end what was issued before.
    const eve = await server.activePerson("eve");
    const change = await server.askForEmailChange(eve, "new-eve@example.com");
    const { username, email } = await server.activePerson("ada");
    const token = await server.askForReset(email);
    await server.registerPerson("pending");
    const confirmation = await server.confirmationToken("pending@example.com");
    /** For each operation that hashes, a request and what answers it if the server is not too busy. */
    const hashing: Record<string, { send: () => Promise<Answer<unknown>>; otherwise: string[] }> = {
      register: {
        send: () => server.register({ username, email, password: PASSWORD }),
        otherwise: ["USERNAME_TAKEN"],
      },
      login: {
        send: () => server.login({ username, password: wrong }),
        otherwise: ["INVALID_CREDENTIALS"],
      },
      finalizeRegistration: {
        send: () => server.finalizeRegistration({ token: confirmation, password: "a new battery staple" }),
        otherwise: ["no error", "INVALID_TOKEN"], // as finalizeReset
      },
      finalizeReset: {
        send: () => server.finalizeReset({ token, password: "a new battery staple" }),
        otherwise: ["no error", "INVALID_TOKEN"], // the first to be hashed ends the token
      },
      changePassword: {
        send: () =>
          server.as(eve.accessToken).changePassword({
            currentPassword: wrong,
            newPassword: "a new battery staple",
          }),
        otherwise: ["INVALID_CREDENTIALS"],
      },
      requestEmailChange: {
        send: () =>
          server.as(eve.accessToken).requestEmailChange({ newEmail: "new-eve@example.com", password: wrong }),
        otherwise: ["INVALID_CREDENTIALS"],
      },
      finalizeEmailChange: {
        send: () => server.finalizeEmailChange({ token: change, password: wrong }),
        otherwise: ["INVALID_CREDENTIALS"],
      },
      endEmailChangeUndo: {
        send: () => server.as(eve.accessToken).endEmailChangeUndo({ password: wrong }),
        otherwise: ["INVALID_CREDENTIALS"],
      },
      confirmPassword: {
        send: () => server.as(eve.accessToken).confirmPassword({ password: wrong }),
        otherwise: ["INVALID_CREDENTIALS"],
      },
      deleteAccount: {
        send: () => server.as(eve.accessToken).deleteAccount({ password: wrong }),
        otherwise: ["INVALID_CREDENTIALS"],
      },
      exportAccount: {
        send: () => server.as(eve.accessToken).exportAccount({ password: wrong }),
        otherwise: ["INVALID_CREDENTIALS"],
      },
    };
    const listed = [...listedCodes].filter(([, codes]) => codes.includes("SERVER_BUSY"));
    expect(listed.map(([operation]) => operation).sort()).toEqual(Object.keys(hashing).sort());
    const codesOf = async (requests: Promise<Answer<unknown>>[]) =>
      (await Promise.all(requests)).map(({ errors }) => errors[0]?.extensions.code ?? "no error");

    const storm = Array.from({ length: 450 }, () => server.login({ username, password: wrong }));
    const late = Object.entries(hashing).map(([operation, { send, otherwise }]) => ({
      operation,
      otherwise,
      requests: Array.from({ length: 60 }, send),
    }));

    const stormCodes = await codesOf(storm);
    expect(stormCodes.slice(0, 200)).not.toContain("SERVER_BUSY");
    expect(["INVALID_CREDENTIALS", "SERVER_BUSY"]).toEqual(expect.arrayContaining(stormCodes));
    for (const { operation, otherwise, requests } of late) {
      const codes = await codesOf(requests);
      expect(codes, operation).toContain("SERVER_BUSY");
      expect(["SERVER_BUSY", ...otherwise], operation).toEqual(expect.arrayContaining(codes));
      const busy = (await Promise.all(requests))[codes.indexOf("SERVER_BUSY")]!;
      const error = server.refuse(busy, "SERVER_BUSY");
      expect(error.message).toMatch(/busy\. Try again/);
      expect(Object.keys(error.extensions)).toEqual(["code"]);
    }
    expect(await server.query("select id from accounts.users")).toHaveLength(3);
    server.refuse(await server.login({ username, password: wrong }), "INVALID_CREDENTIALS");
  },
);
