// A short request cannot make a large answer, or keep others waiting: what an operation may ask for, and how much it may get.
import { getNamedType, isListType, isCompositeType, getNullableType, isObjectType } from "graphql";
import { describe, expect, test } from "vitest";

import { whileHeld, tally } from "../support/hold-back.ts";
import { schema, type Answer } from "../support/graphql.ts";
import { PASSWORD, sharedServer, startServer, type TestServer } from "../support/server.ts";

const times = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index)).join(" ");

const EVENT = "id type occurredAt count lastOccurredAt address device actor actorId";
const USER = "id username email roles isActive createdAt deactivatedAt";
const page = (node: string) =>
  `{ edges { cursor node { ${node} } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`;

function expectRefused(answer: Answer<unknown>, message: RegExp): void {
  expect(answer.status).toBe(400);
  expect(answer.data).toBeUndefined();
  expect(answer.errors.map((error) => error.message)).toContainEqual(expect.stringMatching(message));
  expect(answer.errors[0]!.extensions.code).toBe("GRAPHQL_VALIDATION_FAILED");
}

/** Events as anonymous clients can make them: with a long User-Agent that names no browser. */
async function addEvents(server: TestServer, userId: string, count: number): Promise<void> {
  await server.query(
    `insert into accounts.account_events (user_id, type, occurred_at, address, user_agent, actor)
     select $1, 'LOGIN_FAILED', now(), '127.0.0.1', repeat('x', 256), 'ANYONE' from generate_series(1, $2)`,
    [userId, count],
  );
}

describe("a query is refused before it runs", () => {
  const shared = sharedServer();

  test("whose 3 kB would be answered with hundreds of megabytes", async () => {
    const query = `{ ${times(20, (index) => `q${index}: recentActivity(first: 100) { edges { node { ...F } } }`)} }
      fragment F on AccountEvent { ${times(200, (index) => `a${index}: device`)} }`;
    const answer = await shared().execute(query);
    expectRefused(answer, /20 lists/);
    expectRefused(answer, /404020 fields/);
  });

  const events = (args: string, fields: number) =>
    `{ recentActivity${args} { edges { node { ${times(fields, (index) => `a${index}: device`)} } } } }`;
  // One field, and for each item an edge, a node and its fields: 100 * 97 + 1, 100 * 98 + 1.
  test.each([
    ["first: 100", "(first: 100)", 97],
    ["more than the largest page", "(first: 1000000)", 97],
    ["a number that is none", "(first: 99999999999999999999999)", 97],
  ])("that has more than 10,000 fields by %s", async (_what, args, fields) => {
    expect(JSON.stringify((await shared().execute(events(args, fields))).errors)).not.toContain("fields:");
    expectRefused(await shared().execute(events(args, fields + 2)), /can have 10101 fields/);
  });

  test.each([
    ["a variable", "query ($n: Int!)", "first: $n", { n: 100 }],
    ["a variable with a default", "query ($n: Int! = 100)", "first: $n", {}],
    ["a variable that is small today", "query ($n: Int!)", "first: $n", { n: 1 }],
  ])("that has more than 10,000 fields by %s", async (_what, head, args, variables) => {
    expectRefused(
      await shared().execute(`${head} ${events(`(${args})`, 99)}`, variables),
      /can have 10101 fields/,
    );
  });

  test("that has more than 10,000 fields by the page size that is the default", async () => {
    const twice = (fields: number) =>
      `{ recentActivity { edges { node { ...F ...F } } } }
       fragment F on AccountEvent { ${times(fields, (index) => `a${index}: device`)} }`;
    // 20 * (2 + 2 * 250) + 1
    expectRefused(await shared().execute(twice(250)), /can have 10041 fields/);
    expect((await shared().execute(twice(240))).status).toBe(200);
  });

  test("whose many fields are in a list without pages", async () => {
    expectRefused(
      await shared().execute(`{ sessions { ${times(100, (index) => `a${index}: device`)} } }`),
      /can have 10001 fields/,
    );
  });

  test.each([
    ["by alias", `{ ${times(6, (index) => `a${index}: sessions { id }`)} }`],
    [
      "of different kinds",
      `{ sessions { id } ${times(5, (i) => `a${i}: recentActivity { edges { cursor } }`)} }`,
    ],
    [
      "in fragments",
      `{ ...A ...A ...A } fragment A on Query { ... { a: sessions { id } } b: sessions { id } }`,
    ],
    ["that a directive leaves out", `{ ${times(6, (i) => `a${i}: sessions @skip(if: true) { id }`)} }`],
  ])("that asks for six lists %s", async (_what, query) => {
    expectRefused(await shared().execute(query), /asks for 6 lists/);
  });

  test("whose fragments double at every level, as quickly as any other", async () => {
    const fragments = times(
      60,
      (index) =>
        `fragment F${index} on AccountEventEdge { node { a: device } ...F${index + 1} ...F${index + 1} }`,
    );
    const query = `{ recentActivity { edges { ...F0 } } } ${fragments} fragment F60 on AccountEventEdge { cursor }`;
    expectRefused(await shared().execute(query), /can have \d[\d.e+]+ fields/);
  });
});

describe("what clients need is served:", () => {
  const shared = sharedServer();

  test("five full pages with every field of their items", async () => {
    const server = shared();
    const { accessToken } = await server.admin();
    const answer = await server.as(accessToken).execute(
      `query ($id: ID!) {
        users(first: 100) ${page(USER)} more: users(first: 100) ${page(USER)}
        recentActivity(first: 100) ${page(EVENT)} accountEvents(userId: $id, first: 100) ${page(EVENT)}
        sessions { id device address createdAt lastUsedAt current }
      }`,
      { id: (await server.activePerson("ada")).id },
    );
    expect(answer).toMatchObject({ status: 200, errors: [] });
  });
});

test("a full page of emails with every field, and of their users, is served, and costs what its fields are", async () => {
  const server = await startServer();
  const { accessToken } = await server.admin();
  const email = `id kind state createdAt nextAttemptAt attempts lastError user { ${USER} eraseAt }`;
  const lists = (count: number) =>
    `{ ${times(count, (index) => `q${index}: queuedEmails(first: 100) ${page(email)}`)} }`;
  expect(await server.as(accessToken).execute(lists(4))).toMatchObject({ status: 200, errors: [] });
  expectRefused(await server.as(accessToken).execute(lists(6)), /asks for 6 lists/);
});

test("no list of the schema escapes the count", () => {
  const lists = Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) && !type.name.startsWith("__"))
    .flatMap((type) =>
      Object.values(isObjectType(type) ? type.getFields() : {}).map((field) => ({ type, field })),
    );
  // What is counted by `first` has the name of a connection, and the other way round.
  for (const { type, field } of lists) {
    const isConnection = getNamedType(field.type).name.endsWith("Connection");
    const name = `${type.name}.${field.name}`;
    expect(
      field.args.some((arg) => arg.name === "first"),
      name,
    ).toBe(isConnection);
  }
  const others = lists
    .filter(
      ({ field }) => isListType(getNullableType(field.type)) && isCompositeType(getNamedType(field.type)),
    )
    .map(({ type, field }) => `${type.name}.${field.name}`);
  expect(others.sort()).toEqual([
    "AccountErrorExtensions.fields", // which no field returns
    "AccountEventConnection.edges",
    "Query.sessions",
    "QueuedEmailConnection.edges",
    "UserConnection.edges",
  ]);
});

test("an answer of more than a megabyte is refused, however few fields it has", async () => {
  const server = await startServer();
  const { id, accessToken } = await server.activePerson("ada");
  await addEvents(server, id, 100);
  const query = (aliases: number) =>
    `{ recentActivity(first: 100) { edges { node { ${times(aliases, (index) => `a${index}: device`)} } } } }`;

  const refused = await server.as(accessToken).execute(query(50));
  expect(refused).toMatchObject({ status: 400, data: undefined });
  expect(refused.errors).toEqual([
    {
      message: "The answer would be larger than 1024 kB. Ask for fewer fields or a smaller page.",
      extensions: { code: "BAD_REQUEST" },
    },
  ]);
  expect(refused.headers.get("content-type")).toBe("application/json; charset=utf-8");
  const disguised = `/graph%71l?${new URLSearchParams({ query: query(50) }).toString()}`;
  expect(await server.as(accessToken).send({}, disguised)).toMatchObject({
    status: 400,
    errors: refused.errors,
  });
  expect(await server.as(accessToken).execute(query(30))).toMatchObject({ status: 200, errors: [] });
});

test("however many lists one client asks for at once, others need not wait for them", async () => {
  const server = await startServer();
  const { accessToken } = await server.activePerson("ada");
  const lists = Array.from({ length: 40 }, () => () => server.as(accessToken).recentActivity());

  // As slow as lists can get: no event can be read. There are ten connections to the database.
  const [answers] = await whileHeld(server, "lock table accounts.account_events", async () => {
    const waiting = Promise.all(lists.map((ask) => ask()));
    server.succeed(await server.as(accessToken).me());
    return waiting;
  });

  expect(tally(answers)).toEqual({ done: 40 });
});

describe("exportAccount", () => {
  test("of very many events has the newest, and says where the others are", async () => {
    const server = await startServer();
    const { id, accessToken } = await server.activePerson("ada");
    await addEvents(server, id, 10_500);

    const answer = await server.as(accessToken).exportAccount({ password: PASSWORD });

    const { events, olderEvents } = server.succeed(answer) as {
      events: { type: string }[];
      olderEvents: string;
    };
    expect(events).toHaveLength(10_000);
    expect(events.at(-1)).toMatchObject({ type: "EXPORTED" });
    expect(events[0]).toMatchObject({ type: "LOGIN_FAILED" });
    expect(olderEvents).toContain("recentActivity");
    expect(answer.text.length, "and may be larger than other answers").toBeGreaterThan(1024 * 1024);
  });

  test("runs once at a time for a user", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const grace = await server.activePerson("grace");
    const ask = ({ accessToken }: { accessToken: string }) =>
      server.as(accessToken).exportAccount({ password: PASSWORD });

    // Both users' wait until they can record the export.
    const exports = await whileHeld(
      server,
      "lock table accounts.account_events in exclusive mode",
      () => ask(ada),
      async () => {
        server.refuse(await ask(ada), "SERVER_BUSY");
        return ask(grace);
      },
    );
    for (const answer of exports) server.succeed(answer);
    server.succeed(await ask(ada));
  });
});
