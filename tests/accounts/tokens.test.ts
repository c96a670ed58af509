// What each kind of token is good for, until when, and that nothing else passes for one.
import { createHmac, hkdfSync } from "node:crypto";

import jwt from "jsonwebtoken";
import { beforeAll, describe, expect, test } from "vitest";

import type { Answer } from "../support/graphql.ts";
import {
  DAY,
  MINUTE,
  openServer,
  PASSWORD,
  sharedServer,
  startServer,
  type ActivePerson,
  type TestServer,
} from "../support/server.ts";

const NEW_PASSWORD = "a new battery staple";
/** The JWT_SECRET of tests/support/server.ts. */
const SECRET = "a secret of this test, at least 32 bytes long";

type Purpose = "access" | "registration" | "reset" | "email-change" | "email-undo";
const PURPOSES: Purpose[] = ["access", "registration", "reset", "email-change", "email-undo"];

/** Makes a good token of each purpose, for a new account called `username`. */
const issue: Record<Purpose, (server: TestServer, username: string) => Promise<string>> = {
  access: async (server, username) => (await server.activePerson(username)).accessToken,
  registration: async (server, username) => {
    const { email } = await server.registerPerson(username);
    return server.confirmationToken(email);
  },
  reset: async (server, username) => {
    const { email } = await server.activePerson(username);
    return server.askForReset(email);
  },
  "email-change": async (server, username) => changeOf(server, await server.activePerson(username)),
  "email-undo": async (server, username) => {
    const person = await server.activePerson(username);
    await server.changeEmail(person, `new-${person.email}`);
    return server.undoToken(person.email);
  },
};

const changeOf = (server: TestServer, person: ActivePerson) =>
  server.askForEmailChange(person, `new-${person.email}`);

/** One token of each purpose, each of a person named after it. */
async function tokensOf(server: TestServer): Promise<Record<Purpose, string>> {
  const tokens = await Promise.all(
    PURPOSES.map(async (purpose) => [purpose, await issue[purpose](server, purpose)] as const),
  );
  return Object.fromEntries(tokens) as Record<Purpose, string>;
}

/** Presents a token where one of its purpose belongs. */
const present: Record<Purpose, (server: TestServer, token: string) => Promise<Answer<unknown>>> = {
  access: (server, token) => server.as(token).me(),
  registration: (server, token) => server.finalizeRegistration({ token }),
  reset: (server, token) => server.finalizeReset({ token, password: NEW_PASSWORD }),
  "email-change": (server, token) => server.finalizeEmailChange({ token, password: PASSWORD }),
  "email-undo": (server, token) => server.finalizeEmailChange({ token }),
};
const refusal = (purpose: Purpose) => (purpose === "access" ? "UNAUTHENTICATED" : "INVALID_TOKEN");
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

interface Claims {
  sub: string;
  ver: number;
  ref?: string;
  iat: number;
  exp: number;
  iss: string;
  aud: string;
}
const claimsOf = (token: string) => jwt.decode(token) as unknown as Claims;

describe("a token is good for its own purpose only:", () => {
  const shared = sharedServer();
  let tokens: Record<Purpose, string>;
  beforeAll(async () => {
    tokens = await tokensOf(shared());
  });

  const places: Record<string, { purposes: Purpose[]; use: (token: string) => Promise<Answer<unknown>> }> = {
    "finalizeRegistration's argument": {
      purposes: ["registration"],
      use: (token) => shared().finalizeRegistration({ token }),
    },
    "finalizeRegistration's header": {
      purposes: ["registration"],
      use: (token) => shared().as(token).finalizeRegistration(),
    },
    "finalizeReset's argument": {
      purposes: ["reset"],
      use: (token) => shared().finalizeReset({ token, password: NEW_PASSWORD }),
    },
    "finalizeReset's header": {
      purposes: ["reset"],
      use: (token) => shared().as(token).finalizeReset({ password: NEW_PASSWORD }),
    },
    "finalizeEmailChange's argument": {
      purposes: ["email-change", "email-undo"],
      use: (token) => shared().finalizeEmailChange({ token }),
    },
    "finalizeEmailChange's header": {
      purposes: ["email-change", "email-undo"],
      use: (token) => shared().as(token).finalizeEmailChange(),
    },
    "refreshSession's argument": {
      purposes: [],
      use: (token) => shared().refreshSession({ refreshToken: token }),
    },
    "me's header": { purposes: ["access"], use: (token) => shared().as(token).me() },
  };
  const wrong = Object.entries(places).flatMap(([place, { purposes, use }]) =>
    PURPOSES.filter((kind) => !purposes.includes(kind)).map((kind) => ({
      kind,
      place,
      use,
      isSignIn: purposes.includes("access"),
    })),
  );

  test.each(wrong)("one of $kind is refused as $place", async ({ kind, use, isSignIn }) => {
    const before = await shared().state();
    shared().refuse(await use(tokens[kind]), isSignIn ? "UNAUTHENTICATED" : "INVALID_TOKEN");
    expect(await shared().state()).toEqual(before);
  });
});

describe("the finalize mutations take their token", () => {
  const shared = sharedServer();
  const own = ["registration", "reset", "email-change"] as const;
  const finalize = {
    registration: (server: TestServer, args: { token?: string | null }, headers: Record<string, string>) =>
      server.with(headers).finalizeRegistration(args),
    reset: (server: TestServer, args: { token?: string | null }, headers: Record<string, string>) =>
      server.with(headers).finalizeReset({ ...args, password: NEW_PASSWORD }),
    "email-change": (server: TestServer, args: { token?: string | null }, headers: Record<string, string>) =>
      server.with(headers).finalizeEmailChange({ ...args, password: PASSWORD }),
  };

  test.each(
    own.flatMap((purpose) =>
      ["Bearer ", "bearer ", "BEARER ", "bEaReR   "].map((scheme, index) => ({
        purpose,
        scheme,
        username: `${purpose}-${index}`,
      })),
    ),
  )(
    "of $purpose from the header without an argument, after '$scheme'",
    async ({ purpose, scheme, username }) => {
      const server = shared();
      const token = await issue[purpose](server, username);

      server.succeed(await finalize[purpose](server, {}, { authorization: scheme + token }));
    },
  );

  test.each(own)("of %s from the header where the argument is null", async (purpose) => {
    const server = shared();
    const token = await issue[purpose](server, `null-${purpose}`);

    server.succeed(await finalize[purpose](server, { token: null }, bearer(token)));
  });

  test.each(own)("of %s from nowhere but a given argument, be it blank or bad", async (purpose) => {
    const server = shared();
    const token = await issue[purpose](server, `argument-${purpose}`);
    const access = await issue.access(server, `access-${purpose}`);

    for (const bad of ["", " ", "\t\n", "null", "no.token.atall", `Bearer ${token}`, access])
      server.refuse(await finalize[purpose](server, { token: bad }, bearer(token)), "INVALID_TOKEN");

    server.succeed(await finalize[purpose](server, { token }, bearer("no.token.atall")));
  });

  test.each(own)("of %s from no other kind of header", async (purpose) => {
    const server = shared();
    const token = await issue[purpose](server, `header-${purpose}`);

    for (const headers of [
      {},
      { authorization: "" },
      { authorization: "Bearer" },
      { authorization: token },
      { authorization: `Basic ${token}` },
      { authorization: `Token ${token}` },
      { authorization: `Bearer ${token} ${token}` },
      { authorization: `Bearer ${token}, Bearer ${token}` },
      { "x-authorization": `Bearer ${token}` },
      { cookie: `token=${token}` },
    ] as Record<string, string>[])
      server.refuse(await finalize[purpose](server, {}, headers), "INVALID_TOKEN");

    server.succeed(await finalize[purpose](server, {}, bearer(token)));
  });
});

describe("a bad Authorization header", () => {
  const shared = sharedServer();
  let tokens: Record<Purpose, string>;
  beforeAll(async () => {
    tokens = await tokensOf(shared());
  });

  const headers: Record<string, (token: string) => string> = {
    empty: () => "",
    "a space": () => " ",
    "a scheme alone": () => "Bearer",
    "a scheme and a space": () => "Bearer ",
    "a token alone": (token) => token,
    "of another scheme": (token) => `Basic ${token}`,
    "of a misspelt scheme": (token) => `Bearers ${token}`,
    "without the space": (token) => `Bearer${token}`,
    "of two tokens": (token) => `Bearer ${token} ${token}`,
    "a list": (token) => `Bearer ${token}, Bearer ${token}`,
    garbage: () => "Bearer garbage",
    "three dots": () => "Bearer ...",
    "with an altered signature": (token) => `Bearer ${token.slice(0, -6)}AAAAAA`,
    "with its signature cut off": (token) => `Bearer ${token.split(".").slice(0, 2).join(".")}.`,
    "with more behind the token": (token) => `Bearer ${token}.${token}`,
    "in quotation marks": (token) => `Bearer "${token}"`,
    "with a NUL's escape": (token) => `Bearer ${token}%00`,
  };

  test.each(Object.entries(headers))("is UNAUTHENTICATED for me: %s", async (_, header) => {
    const answer = await shared()
      .with({ authorization: header(tokens.access) })
      .me();

    shared().refuse(answer, "UNAUTHENTICATED");
    expect(answer.data).toBeNull();
  });

  test.each(Object.entries(headers))("is ignored by operations that need none: %s", async (_, header) => {
    const server = shared();
    const send = (operation: string) =>
      server.with({ authorization: header(tokens.access) }).execute(operation);
    const codes = async (operation: string) =>
      (await send(operation)).errors.map(({ extensions }) => extensions.code);
    const address = `email: "nobody@example.com"`;

    expect(
      await codes(`mutation { login(username: "access", password: "${PASSWORD}") { expiresAt } }`),
    ).toEqual([]);
    expect(
      await codes(`mutation { register(username: "no", ${address}, password: "no") { message } }`),
    ).toEqual(["BAD_USER_INPUT"]);
    expect(await codes(`mutation { resendRegistration(${address}) { message } }`)).toEqual([
      "EMAIL_NOT_FOUND",
    ]);
    expect(await codes(`mutation { requestReset(${address}) { message } }`)).toEqual(["EMAIL_NOT_FOUND"]);
    expect(await codes("{ __typename }")).toEqual([]);
  });
});

test("me is null without an Authorization header, and takes any case of the scheme", async () => {
  const server = await startServer();
  const { accessToken } = await server.activePerson("ada");

  const anonymous = await server.me();
  expect(server.succeed(anonymous)).toBeNull();
  for (const scheme of ["Bearer", "bearer", "BEARER"]) {
    const signedIn = await server.with({ authorization: `${scheme} ${accessToken}` }).me();
    expect(server.succeed(signedIn)?.username).toBe("ada");
  }
});

interface Forgery {
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
  key: Buffer | string;
  hash: string;
}

const keyFor = (purpose: string, secret = SECRET) =>
  Buffer.from(hkdfSync("sha256", secret, "", `account-server/${purpose}`, 32));

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString("base64url");
const hmac = (hash: string, key: Buffer | string, text: string) =>
  createHmac(hash, key).update(text).digest("base64url");

/** A token of one's own making, like `genuine` but for what `alter` makes of it. */
function forge(genuine: string, purpose: Purpose, alter: (token: Forgery) => void = () => undefined): string {
  const { header, payload } = jwt.decode(genuine, { complete: true }) as unknown as {
    header: Record<string, unknown>;
    payload: Record<string, unknown>;
  };
  const token: Forgery = {
    header: { ...header },
    claims: { ...payload },
    key: keyFor(purpose),
    hash: "sha256",
  };
  alter(token);
  const signed = `${encode(token.header)}.${encode(token.claims)}`;
  return `${signed}.${token.hash === "none" ? "" : hmac(token.hash, token.key, signed)}`;
}

const other = (purpose: Purpose): Purpose => (purpose === "access" ? "reset" : "access");
const claim = (name: string, value: unknown) => (token: Forgery) => {
  if (value === undefined) Reflect.deleteProperty(token.claims, name);
  else token.claims[name] = value;
};

const forgeries: Record<string, (token: Forgery, purpose: Purpose) => void> = {
  "of alg none": (token) => {
    token.header["alg"] = "none";
    token.hash = "none";
  },
  "of alg none in capitals, and signed": (token) => (token.header["alg"] = "NONE"),
  "of no alg": (token) => Reflect.deleteProperty(token.header, "alg"),
  "of HS384, with the right key": (token) => {
    token.header["alg"] = "HS384";
    token.hash = "sha384";
  },
  "of HS512, with the right key": (token) => {
    token.header["alg"] = "HS512";
    token.hash = "sha512";
  },
  "of RS256": (token) => (token.header["alg"] = "RS256"),
  "without a signature": (token) => (token.hash = "none"),
  "signed with JWT_SECRET itself": (token) => (token.key = SECRET),
  "signed with the key of another purpose": (token, purpose) => (token.key = keyFor(other(purpose))),
  "signed with the key of another secret": (token, purpose) => (token.key = keyFor(purpose, `${SECRET}!`)),
  "signed with an empty key": (token) => (token.key = ""),
  "signed with a key that it brings along": (token) => {
    token.key = "mine";
    Object.assign(token.header, { jwk: { kty: "oct", k: "bWluZQ" }, kid: "mine" });
  },
  "of typ JWT": (token) => (token.header["typ"] = "JWT"),
  "of no typ": (token) => Reflect.deleteProperty(token.header, "typ"),
  "of another purpose's typ": (token, purpose) => (token.header["typ"] = `${other(purpose)}+jwt`),
  "of another purpose's aud": (token, purpose) => (token.claims["aud"] = `account-server/${other(purpose)}`),
  "of no aud": claim("aud", undefined),
  "of another aud": claim("aud", "another-server"),
  "of another iss": claim("iss", "another-server"),
  "of no iss": claim("iss", undefined),
  "of no exp": claim("exp", undefined),
  "of exp null": claim("exp", null),
  "of an exp that is text": claim("exp", "9999999999"),
  "of an exp long ago": claim("exp", 1_000_000_000),
  "good only from tomorrow": (token) => (token.claims["nbf"] = Math.floor(Date.now() / 1000) + 86_400),
  "of no ver": claim("ver", undefined),
  "of ver null": claim("ver", null),
  "of a ver that is text": (token) => (token.claims["ver"] = String(token.claims["ver"])),
  "of no sub": claim("sub", undefined),
  "of a sub that is a number": claim("sub", 1),
  "of a sub that nobody has": claim("sub", "00000000-0000-4000-8000-000000000000"),
};

/** An undo is good whatever has happened to the account since. */
const ofOtherVersions: typeof forgeries = {
  "of the ver before": (token) => (token.claims["ver"] = (token.claims["ver"] as number) - 1),
  "of the ver to come": (token) => (token.claims["ver"] = (token.claims["ver"] as number) + 1),
};

/** Of a token that is bound to a session or to a change of address. */
const ofOtherReferences: typeof forgeries = {
  "of no ref": claim("ref", undefined),
  "of ref null": claim("ref", null),
  "of a ref that is a number": claim("ref", 1),
  "of a ref that nothing has": claim("ref", "00000000-0000-4000-8000-000000000000"),
};

function forgeriesOf(purpose: Purpose): typeof forgeries {
  return {
    ...forgeries,
    ...(purpose !== "email-undo" && ofOtherVersions),
    ...(isBound(purpose) && ofOtherReferences),
  };
}
const isBound = (purpose: Purpose) => purpose !== "registration" && purpose !== "reset";

/** Texts that only look like a token; `genuine` is a good one. */
const lookalikes: Record<string, (genuine: string) => string> = {
  "of a header of typ JWT and a payload that is no JSON": () =>
    `${encode({ alg: "HS256", typ: "JWT" })}.${Buffer.from("no JSON").toString("base64url")}.AAAA`,
  "of a header of null": (genuine) => `${encode(null)}.${genuine.split(".").slice(1).join(".")}`,
  "of a header that is text": (genuine) => `${encode("HS256")}.${genuine.split(".").slice(1).join(".")}`,
  "of a header that is no JSON": (genuine) => `AAAA.${genuine.split(".").slice(1).join(".")}`,
  "of a payload of null": (genuine) => `${genuine.split(".")[0]}.${encode(null)}.${genuine.split(".")[2]}`,
  "with an altered payload": (genuine) => {
    const [header, , signature] = genuine.split(".");
    return `${header}.${encode({ ...claimsOf(genuine), exp: 9_999_999_999 })}.${signature}`;
  },
  "with an altered signature": (genuine) => {
    const [header, payload, signature = ""] = genuine.split(".");
    return `${header}.${payload}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
  },
  "with half a signature": (genuine) => genuine.slice(0, -20),
  "of five parts": (genuine) => `${genuine}.AAAA.AAAA`,
  "of one long part": () => "A".repeat(5_000),
  "of three empty parts": () => "..",
};

test.each(PURPOSES)("the forger of these tests knows how to make a good token of %s", async (purpose) => {
  const server = await startServer();
  const genuine = await issue[purpose](server, "ada");

  server.succeed(await present[purpose](server, forge(genuine, purpose)));
});

describe.each(PURPOSES)("forged tokens of %s are refused:", (purpose) => {
  const shared = sharedServer();
  let genuine: string;
  beforeAll(async () => {
    genuine = await issue[purpose](shared(), "ada");
  });

  test.each(Object.entries(forgeriesOf(purpose)))("one %s", async (_, alter) => {
    const forged = forge(genuine, purpose, (token) => alter(token, purpose));
    expect(forged).not.toBe(genuine);

    shared().refuse(await present[purpose](shared(), forged), refusal(purpose));
  });

  test.each(Object.entries(lookalikes))("one %s", async (_, make) => {
    shared().refuse(await present[purpose](shared(), make(genuine)), refusal(purpose));
  });
});

test.each(PURPOSES.filter(isBound))(
  "a forged token of %s with the ref of somebody else's is refused",
  async (purpose) => {
    const server = await startServer();
    const [mine, others] = [await issue[purpose](server, "ada"), await issue[purpose](server, "eve")];

    const forged = forge(mine, purpose, claim("ref", claimsOf(others).ref));

    server.refuse(await present[purpose](server, forged), refusal(purpose));
  },
);

describe("a token is good until the very second of its exp:", () => {
  const env = {
    ACCESS_TOKEN_MINUTES: "7",
    REGISTRATION_TOKEN_MINUTES: "90",
    RESET_TOKEN_MINUTES: "11",
    EMAIL_CHANGE_TOKEN_MINUTES: "80",
  };
  const lasts: Record<Purpose, number> = {
    access: 7,
    registration: 90,
    reset: 11,
    "email-change": 80,
    "email-undo": 7 * 1440,
  };

  test.each(PURPOSES)("one of %s", async (purpose) => {
    const server = await startServer({ env });
    const token = await issue[purpose](server, "ada");
    const { iat, exp } = claimsOf(token);
    expect(exp - iat).toBe(lasts[purpose] * 60);

    server.freezeAt(new Date(exp * 1000));
    server.refuse(await present[purpose](server, token), refusal(purpose));
    server.freezeAt(new Date(exp * 1000 + DAY));
    server.refuse(await present[purpose](server, token), refusal(purpose));
    server.freezeAt(new Date(exp * 1000 - 1));
    server.succeed(await present[purpose](server, token));
  });
});

test("without configuration, an access token is good for 15 minutes, a reset link for 30, a link that confirms an address for a day, one that undoes its change for a week", async () => {
  const server = await startServer();
  const tokens = await tokensOf(server);

  const minutes = PURPOSES.map((purpose) => {
    const { iat, exp } = claimsOf(tokens[purpose]);
    return (exp - iat) / 60;
  });
  expect(minutes).toEqual([15, 1440, 30, 1440, 7 * 1440]);
});

test("expiresAt is the access token's exp, whatever signs in", async () => {
  const server = await startServer();
  const { username, email } = await server.registerPerson("ada");
  const token = await server.confirmationToken(email);
  const confirmed = server.succeed(await server.finalizeRegistration({ token }));
  const loggedIn = server.succeed(await server.login({ username, password: PASSWORD }));
  server.succeed(await server.requestReset({ email }));
  const reset = server.succeed(
    await server.finalizeReset({ token: await server.resetToken(email), password: NEW_PASSWORD }),
  );

  for (const { accessToken, expiresAt } of [confirmed, loggedIn, reset])
    expect(new Date(expiresAt).getTime()).toBe(claimsOf(accessToken).exp * 1000);
  expect(server.succeed(await server.as(reset.accessToken).me())?.email).toBe(email);
});

test("no token tells more than the account's id, its version and dates, and the id of the session or change it is bound to", async () => {
  const server = await startServer();
  const tokens = await tokensOf(server);

  for (const purpose of PURPOSES) {
    const claims = ["aud", "exp", "iat", "iss", ...(isBound(purpose) ? ["ref"] : []), "sub", "ver"];
    expect(Object.keys(claimsOf(tokens[purpose])).sort()).toEqual(claims);
  }
  const sessions = server.succeed(await server.as(tokens.access).sessions());
  expect(sessions.map(({ id }) => id)).toEqual([claimsOf(tokens.access).ref]);
});

test.each(["registration", "reset", "email-change", "email-undo"] as const)(
  "a link of %s works once",
  async (purpose) => {
    const server = await startServer();
    const token = await issue[purpose](server, "ada");
    server.succeed(await present[purpose](server, token));

    server.refuse(await present[purpose](server, token), "INVALID_TOKEN");
    server.refuse(await present[purpose](server, token), "INVALID_TOKEN");
  },
);

describe.each([
  { used: "older", index: 0 },
  { used: "newer", index: 1 },
])(
  "of two links, a newer request leaves the older one good, and using the $used one ends both:",
  ({ index }) => {
    test("registration", async () => {
      const server = await startServer();
      const { email } = await server.registerPerson("ada");
      const older = await server.confirmationToken(email);
      server.advance(MINUTE);
      server.succeed(await server.resendRegistration({ email }));
      const links = [older, await server.confirmationToken(email, 2)];
      expect(links[0]).not.toBe(links[1]);

      server.succeed(await server.finalizeRegistration({ token: links[index]! }));

      for (const token of links) server.refuse(await server.finalizeRegistration({ token }), "INVALID_TOKEN");
    });

    test("reset", async () => {
      const server = await startServer();
      const { email } = await server.activePerson("ada");
      const older = await server.askForReset(email);
      server.advance(MINUTE);
      server.succeed(await server.requestReset({ email }));
      const links = [older, await server.resetToken(email, 2)];
      expect(links[0]).not.toBe(links[1]);

      server.succeed(await server.finalizeReset({ token: links[index]!, password: NEW_PASSWORD }));

      for (const token of links)
        server.refuse(await server.finalizeReset({ token, password: "yet another staple" }), "INVALID_TOKEN");
      server.succeed(await server.login({ username: "ada", password: NEW_PASSWORD }));
    });
  },
);

test("a reset ends every older access token, and no other account's", async () => {
  const server = await startServer();
  const { username, email, accessToken } = await server.activePerson("ada");
  const other = await server.activePerson("eve");
  const older = [
    accessToken,
    server.succeed(await server.login({ username, password: PASSWORD })).accessToken,
    server.succeed(await server.login({ username: email, password: PASSWORD })).accessToken,
  ];
  const token = await server.askForReset(email);
  for (const each of older) server.succeed(await server.as(each).me());

  const reset = server.succeed(await server.finalizeReset({ token, password: NEW_PASSWORD }));

  for (const each of older) server.refuse(await server.as(each).me(), "UNAUTHENTICATED");
  expect(server.succeed(await server.as(reset.accessToken).me())?.username).toBe(username);
  expect(server.succeed(await server.as(other.accessToken).me())?.username).toBe("eve");
});

test("logging in again leaves older access tokens and reset links good", async () => {
  const server = await startServer();
  const { username, email, accessToken } = await server.activePerson("ada");
  const token = await server.askForReset(email);

  server.succeed(await server.login({ username, password: PASSWORD }));

  server.succeed(await server.as(accessToken).me());
  server.succeed(await server.finalizeReset({ token, password: NEW_PASSWORD }));
});

test.each([
  { what: "erased", sql: "delete from accounts.users" },
  { what: "deactivated", sql: "update accounts.users set deactivated_at = now()" },
  {
    what: "pending again",
    sql: "update accounts.users set is_active = false, confirmation_expires_at = now()",
  },
])("the access token and the reset link of an account are dead once it is $what", async ({ sql }) => {
  const server = await startServer();
  const tokens = await tokensOf(server);
  server.succeed(await server.as(tokens.access).me());

  await server.query(sql);

  server.refuse(await server.as(tokens.access).me(), "UNAUTHENTICATED");
  server.refuse(await server.finalizeReset({ token: tokens.reset, password: NEW_PASSWORD }), "INVALID_TOKEN");
});

test("a confirmation link is dead once its account is deleted", async () => {
  const server = await startServer();
  const registration = await issue.registration(server, "ada");
  await server.query("delete from accounts.users");

  server.refuse(await server.finalizeRegistration({ token: registration }), "INVALID_TOKEN");
});

test("tokens survive a restart with the same JWT_SECRET, and none survives another secret", async () => {
  const { server: first, stop } = await openServer();
  const tokens = await tokensOf(first);
  await stop();

  const changed = await startServer({
    databaseUrl: first.databaseUrl,
    env: { JWT_SECRET: "another secret of this test, also of 32 bytes or more" },
  });
  for (const purpose of PURPOSES)
    changed.refuse(await present[purpose](changed, tokens[purpose]), refusal(purpose));

  const restarted = await startServer({ databaseUrl: first.databaseUrl });
  for (const purpose of PURPOSES) restarted.succeed(await present[purpose](restarted, tokens[purpose]));
});
