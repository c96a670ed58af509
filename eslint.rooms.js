// The rooms of src/ and their order: who may import whom, and which library has which home. Imports run one way, types included,
// so there is no circle between rooms (`npm run lint` also finds circles inside a room). docs/architecture.md draws it.

/** Each room, with the rooms that it may import. Every room may import the files in src/ itself: log.ts, network.ts, ... */
const ROOMS = {
  bin: ["app", "accounts", "config", "database", "embedded-postgres", "metrics"],
  app: ["http", "graphql", "accounts", "database", "mail", "embedded-postgres", "metrics", "config"],
  http: ["graphql", "mail"],
  graphql: ["accounts"],
  database: ["accounts"],
  accounts: ["mail"],
  config: ["mail", "accounts", "database"],
  mail: [],
  "embedded-postgres": [],
  metrics: [],
};

/** The floors of src/accounts/: a room may import those below its own floor. */
const FLOORS = [
  ["accounts.ts"],
  ["use-cases.ts"],
  ["registration", "sign-in", "sessions", "email-address", "own-account", "administration"],
  ["password"],
  ["dependencies.ts"],
  ["mails"],
  ["limits"],
  ["store"],
  ["hashing"],
  ["model"],
  ["tokens.ts", "refresh-tokens.ts", "device-tokens.ts"],
  ["sealed-token.ts", "rules"],
];

/** What a room outside may import of accounts/; app/ builds all of its parts. */
const OPEN = { app: FLOORS.flat(), database: ["model"], config: ["rules"] };
const OPEN_TO_OTHERS = ["accounts.ts", "model", "rules"];

/** Each library, with the file or the files that may import it. */
const HOMES = {
  argon2: "src/accounts/hashing/hashing-process.ts",
  bcrypt: "src/accounts/hashing/hashing-process.ts",
  jsonwebtoken: "src/accounts/tokens.ts",
  "altcha-lib": "src/accounts/limits/challenges.ts",
  kysely: "src/accounts/store/statement.ts",
  dataloader: "src/accounts/store/statement.ts",
  nodemailer: ["src/mail/transport.ts", "src/mail/smtp-connection.ts"],
  handlebars: "src/mail/renderer.ts",
  "pg-boss": "src/mail/queue.ts",
  pg: "src/database/driver.ts",
  "pg-connection-string": "src/database/driver.ts",
  pino: "src/log.ts",
  "prom-client": "src/metrics/metrics.ts",
  "@opentelemetry/api": ["src/tracing.ts", "src/app/start-tracing.ts"],
  "@opentelemetry/sdk-node": "src/app/start-tracing.ts",
};

const FRAMEWORKS = "type-graphql|@apollo|fastify|@fastify|@as-integrations";
const MAY_USE_FRAMEWORKS = ["app", "http", "graphql"];

/** Imports of `names` by a file whose imports of them begin with `way`. */
const importsOf = (way, names) =>
  `^${way}(?:${names.map((name) => name.replaceAll(".", "\\.")).join("|")})(?:/|$)`;
const forbid = (regex, message) => ({ regex, message: `${message} See eslint.rooms.js.` });

function homeRules(file) {
  return Object.entries(HOMES)
    .filter(([, home]) => ![home].flat().includes(file))
    .map(([library, home]) =>
      forbid(`^${library}(?:/|$)`, `${library} is at home in ${[home].flat().join(" and ")}.`),
    );
}

function roomRules(room) {
  const allowed = ROOMS[room];
  const others = Object.keys(ROOMS).filter((other) => other !== room && !allowed.includes(other));
  const open = OPEN[room] ?? OPEN_TO_OTHERS;
  return [
    forbid(
      importsOf("(?:\\./)?(?:\\.\\./)+(?:src/)?", others),
      `${room}/ imports only ${allowed.join(", ") || "no other room"}.`,
    ),
    ...(room === "accounts"
      ? []
      : [
          forbid(
            `^(?:\\.\\./)+accounts/(?!(?:${open.join("|")})(?:/|$))`,
            `${room}/ imports of accounts/ only ${open.join(", ")}.`,
          ),
        ]),
    ...(MAY_USE_FRAMEWORKS.includes(room)
      ? []
      : [forbid(`^(?:${FRAMEWORKS})(?:/|$)`, `${room}/ compiles without GraphQL and HTTP.`)]),
  ];
}

function floorRules(name) {
  const floor = FLOORS.findIndex((names) => names.includes(name));
  const above = FLOORS.slice(0, floor + 1)
    .flat()
    .filter((other) => other !== name);
  if (above.length === 0) return [];
  return [
    forbid(
      importsOf(name.endsWith(".ts") ? "\\./" : "(?:\\./)?(?:\\.\\./)+(?:accounts/)?", above),
      `In accounts/, imports run downwards: ${name} does not import what stands beside or above it.`,
    ),
  ];
}

const config = (files, patterns) => ({
  files,
  rules: { "@typescript-eslint/no-restricted-imports": ["error", { patterns }] },
});

const areas = [
  ...Object.keys(ROOMS)
    .filter((room) => room !== "accounts")
    .map((room) => ({ path: `src/${room}`, rules: roomRules(room) })),
  ...FLOORS.flat().map((name) => ({
    path: `src/accounts/${name}`,
    rules: [...roomRules("accounts"), ...floorRules(name)],
  })),
  { path: "src/log.ts", rules: [] },
  { path: "src/network.ts", rules: [] },
  { path: "src/version.ts", rules: [] },
  { path: "src/tracing.ts", rules: [] },
];

export const rooms = [
  config(
    ["src/**/*.ts"],
    [forbid("^\\.\\.?/", "List this file or folder among the rooms."), ...homeRules("")],
  ),
  ...areas.map(({ path, rules }) =>
    config([path.endsWith(".ts") ? path : `${path}/**/*.ts`], [...rules, ...homeRules(path)]),
  ),
  // A home may import its library; all else that holds for its room holds for it, too.
  ...[...new Set(Object.values(HOMES).flat())].map((home) => {
    const area = areas.find(({ path }) => home === path || home.startsWith(`${path}/`));
    return config([home], [...area.rules, ...homeRules(home)]);
  }),
  config(
    ["web/**"],
    [
      forbid(
        "\\.\\./src/(?!accounts/rules/)",
        "web/ meets the server by its API; only accounts/rules/ is shared.",
      ),
    ],
  ),
  // What is shipped as a package has only itself, and each entry the client that it is for.
  ...Object.entries({ "session.ts": "", "urql.ts": "@urql/core", "apollo.ts": "@apollo/client" }).map(
    ([entry, client]) =>
      config(
        [`client/${entry}`],
        [
          forbid(
            `^(?!\\./session\\.ts$${client && `|${client}$`})`,
            "client/ is a package without dependencies.",
          ),
        ],
      ),
  ),
];
