// Passwords that attackers try first are refused, with the reason in words, and those that only look like them are taken.
import { dictionary } from "@zxcvbn-ts/language-common";
import { describe, expect, test } from "vitest";

import { MORE_COMMON_PASSWORDS } from "../../src/accounts/hashing/more-common-passwords.ts";
import { PASSWORD, sharedServer, startServer, type TestServer } from "../support/server.ts";

const TOO_COMMON = /too common/;
const REPEAT = /repeats a few characters or a common password/;
const RUN = /is a run of letters, digits or neighbouring keys/;
const DATE = /is a date/;
const NAME = /username, the email address or a part of it/;
const PRODUCT = /name of this product, Account Server/;

const OWNER = { username: "ada", email: "ada.lovelace@mail.example.com" };

async function refusal(server: TestServer, password: string): Promise<string> {
  const error = server.refuse(await server.register({ ...OWNER, password }), "WEAK_PASSWORD");
  expect(error.extensions.field).toBe("password");
  return error.message;
}

describe("nobody can have", () => {
  const shared = sharedServer();

  test.each([
    // Those that were taken once, all of them among the most common 2,300.
    ["87654321", RUN],
    ["98765432", RUN],
    ["987654321", RUN],
    ["88888888", REPEAT],
    ["12121212", REPEAT],
    ["abcdefgh", RUN],
    ["aaaaaaaa", REPEAT],
    ["12341234", REPEAT],
    ["        ", REPEAT],
    ["Account Server", PRODUCT],
    ["Passw0rd!", TOO_COMMON],
    ["Summer2026!", TOO_COMMON],
    // Runs, up and down, of the alphabet, digits and keyboards.
    ["zyxwvuts", RUN],
    ["0123456789", RUN],
    ["lkjhgfds", RUN],
    ["POIUYTREWQ", RUN],
    ["1234567890-", TOO_COMMON],
    ["qwertzuiop", RUN],
    ["2wsx3edc4rfv", RUN],
    ["abcd4321", RUN],
    ["kkklllmmm9876", RUN],
    ["Abcdefgh1!", RUN],
    // Repeats, whole or cut off.
    ["abcabcabc", REPEAT],
    ["abcabcab", REPEAT],
    ["x7$kx7$kx7$k", REPEAT],
    ["password password ", REPEAT],
    ["🦊🦊🦊🦊🦊🦊🦊🦊", REPEAT],
    ["a".repeat(128), REPEAT],
    // Dates.
    ["01012009", DATE],
    ["31.12.1999", DATE],
    ["2009-01-31", DATE],
    // Common ones with what a form with composition rules makes people add.
    ["PASSWORD", TOO_COMMON],
    ["P@$$w0rd", TOO_COMMON],
    ["!Dragon123", TOO_COMMON],
    ["Monkey-2026!", TOO_COMMON],
    ["$ummer1999", TOO_COMMON],
    ["1etmein!!", TOO_COMMON],
    ["ｐａｓｓｗｏｒｄ", TOO_COMMON],
    // Names.
    ["AccountServer1!", PRODUCT],
    ["account-server", PRODUCT],
    ["Ada12345!", NAME],
    ["ada.lovelace@MAIL.example.com", NAME],
    ["AdaLovelace", NAME],
    ["lovelace99", NAME],
    ["mail.example.com", NAME],
    ["example2026", NAME],
  ])("%s", async (password, message) => {
    expect(await refusal(shared(), password)).toMatch(message);
  });

  test("any of a thousand of the most common ones", async () => {
    const server = shared();
    const long = dictionary["passwords-common"].filter((word) => Array.from(word).length >= 8);
    const all = [...long.slice(0, 500), ...MORE_COMMON_PASSWORDS.filter((_, index) => index % 3 === 0)];
    const taken: string[] = [];
    for (let at = 0; at < all.length; at += 50) {
      const refusals = all.slice(at, at + 50).map(async (password) => {
        const { errors } = await server.register({ ...OWNER, password });
        if (errors[0]?.extensions.code !== "WEAK_PASSWORD") taken.push(password);
      });
      await Promise.all(refusals);
    }
    expect(taken).toEqual([]);
  });
});

test.each([
  "correct horse battery",
  "battery7391!", // a common word with digits that nobody expects
  "cat8604!",
  "password1 and more",
  "Tr0ub4dor&3",
  "the account server of ours",
  "adamant lovers",
  "x7$kQ.zz",
  "31.02 was no day",
  "abcd is how it starts",
])("somebody can have %s", async (password) => {
  const server = await startServer();
  server.succeed(await server.register({ ...OWNER, password }));
});

test("a weak password is refused at finalizeReset and changePassword, too, and the old one stays", async () => {
  const server = await startServer();
  const { username, email, accessToken } = await server.activePerson("ada");
  const token = await server.askForReset(email);

  server.refuse(await server.finalizeReset({ token, password: "98765432" }), "WEAK_PASSWORD");
  const args = { currentPassword: PASSWORD, newPassword: "98765432" };
  const error = server.refuse(await server.as(accessToken).changePassword(args), "WEAK_PASSWORD");

  expect(error.extensions.field).toBe("newPassword");
  server.succeed(await server.login({ username, password: PASSWORD }));
});

test("the name of the product is that of APP_NAME", async () => {
  const server = await startServer({ env: { APP_NAME: "Ada's Shop" } });

  expect(await refusal(server, "adasshop123")).toMatch(/name of this product, Ada's Shop/);
  server.succeed(await server.register({ ...OWNER, password: "Account Server" }));
});
