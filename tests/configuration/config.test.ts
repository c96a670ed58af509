// The environment and the .env file: what is read, what it means, and what is said of faults.
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

import { describe, expect, test } from "vitest";

import { ConfigError, loadConfig, type Config } from "../../src/config/config.ts";
import { parseEnv, readEnvFile } from "../../src/config/env-file.ts";
import type { Environment } from "../../src/config/reader.ts";

const SECRET = "a secret of this test, at least 32 bytes long";
const PEPPER = Buffer.alloc(32, "pepper").toString("base64");
const HIDDEN = "hunter2hunter2";
const PRODUCTION = {
  NODE_ENV: "production",
  DATABASE_URL: "postgresql://app:pw@db.example.com:5432/app",
  JWT_SECRET: SECRET,
  MAIL_SERVER: "smtp.example.com",
  MAIL_USERNAME: "accounts@example.com",
  CONFIRMATION_URI: "https://app.example.com/#/finalize",
  RESET_URI: "https://app.example.com/#/reset",
};

function faultsOf(environment: Environment): readonly string[] {
  try {
    loadConfig(environment);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    const { faults, message } = error as ConfigError;
    for (const fault of faults) expect(message, "the message tells every fault").toContain(fault);
    return faults;
  }
}

test("nothing has to be set", () => {
  expect(loadConfig({})).toEqual({
    isProduction: false,
    appName: "Account Server",
    host: "127.0.0.1",
    port: 4000,
    metricsPort: null,
    workers: 1,
    drainSeconds: 0,
    trustedProxies: [],
    corsOrigins: [
      "http://localhost:3000",
      "http://127.0.0.1:3000",
      "http://localhost:4173",
      "http://127.0.0.1:4173",
      "http://localhost:5173",
      "http://127.0.0.1:5173",
    ],
    corsHeaders: [],
    hasIntrospection: true,
    trustedDocuments: [],
    applications: new Map(),
    logLevel: "info",
    tracing: null,
    dataDir: resolve(".data"),
    databaseUrl: null,
    databaseDirectUrl: null,
    databaseReplicaUrls: [],
    migrateOnStart: true,
    jwtSecret: null,
    accessTokenMinutes: 15,
    registrationTokenMinutes: 1440,
    resetTokenMinutes: 30,
    emailChangeTokenMinutes: 1440,
    sessionIdleDays: 30,
    sessionMaxDays: 90,
    auditRetentionDays: 365,
    hideAccountExistence: false,
    passwordMinLength: 8,
    challenge: "off",
    rateLimits: {},
    passwordHash: { memoryKiB: 19_456, passes: 2 },
    passwordPeppers: [],
    passwordFilter: null,
    passwordRangeUrl: null,
    smtp: null,
    senderAddress: "no-reply@localhost",
    subjects: {},
    hasWebClient: true,
    confirmationUri: null,
    resetUri: null,
    emailChangeUri: null,
    emailUndoUri: null,
    warnings: [],
  } satisfies Config);
});

test.each<[Environment, string[]]>([
  [{ NODE_ENV: "test" }, []],
  [PRODUCTION, []],
  [{ CORS_ORIGINS: "http://localhost:8080" }, ["http://localhost:8080"]],
  [{ CORS_ORIGINS: "," }, []],
])("with %j, the pages of development servers may not call the server", (environment, origins) => {
  expect(loadConfig(environment).corsOrigins).toEqual(origins);
});

test("every variable is read", () => {
  const config = loadConfig({
    ...PRODUCTION,
    APP_NAME: "Ada's Shop",
    HOST: "0.0.0.0",
    PORT: "8080",
    METRICS_PORT: "9464",
    WORKERS: "3",
    DRAIN_SECONDS: "5",
    TRUSTED_PROXIES: "127.0.0.1, 10.0.0.0/8,::1",
    CORS_ORIGINS: "https://app.example.com, http://localhost:3000",
    CORS_HEADERS: "X-Tenant, x-experiment",
    INTROSPECTION: "true",
    TRUSTED_DOCUMENTS: "/srv/web.json, /srv/ios.json",
    APPLICATIONS: JSON.stringify({
      mobile: {
        origins: ["http://localhost:3000", "https://staging.example.com"],
        confirmationUri: "com.example.app:/confirm?token={token}",
        resetUri: "https://m.example.com/reset",
        emailChangeUri: "example://email",
        emailUndoUri: "example://undo",
        appName: "Ada's Mobile Shop",
      },
      staging: {},
    }),
    LOG_LEVEL: "debug",
    OTEL_SERVICE_NAME: "accounts",
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318",
    DATA_DIR: "/srv/data",
    DATABASE_DIRECT_URL: "postgres://app:pw@db.example.com:5433/app",
    DATABASE_REPLICA_URLS:
      "postgres://app:p,w@db2.example.com/app?sslmode=verify-full, postgresql://app:pw@db3.example.com/app,",
    MIGRATE_ON_START: "false",
    ACCESS_TOKEN_MINUTES: "5",
    REGISTRATION_TOKEN_MINUTES: "6",
    RESET_TOKEN_MINUTES: "7",
    EMAIL_CHANGE_TOKEN_MINUTES: "8",
    SESSION_IDLE_DAYS: "9",
    SESSION_MAX_DAYS: "10",
    AUDIT_RETENTION_DAYS: "11",
    EMAIL_CHANGE_URI: "https://app.example.com/#/new-address",
    EMAIL_UNDO_URI: "https://app.example.com/#/undo",
    HIDE_ACCOUNT_EXISTENCE: "true",
    PASSWORD_MIN_LENGTH: "12",
    CHALLENGE: "auto",
    RATE_LIMITS: "mail-total=50000, password-address=300",
    PASSWORD_HASH_MIB: "46",
    PASSWORD_HASH_PASSES: "3",
    PASSWORD_PEPPER: `2:${PEPPER}, 1:${PEPPER}`,
    PASSWORD_FILTER: "/srv/breached.filter",
    PASSWORD_RANGE_URL: "https://api.pwnedpasswords.com/range/",
    MAIL_PORT: "2525",
    MAIL_PASSWORD: "pass",
    MAIL_USE_TLS: "true",
    MAIL_DEFAULT_SENDER: "sender@example.com",
    SUBJECT: "Confirm!",
    SUBJECT_RESET: "Reset!",
    WEB_CLIENT: "false",
  });
  expect(config).toEqual({
    isProduction: true,
    appName: "Ada's Shop",
    host: "0.0.0.0",
    port: 8080,
    metricsPort: 9464,
    workers: 3,
    drainSeconds: 5,
    trustedProxies: ["127.0.0.1", "10.0.0.0/8", "::1"],
    corsHeaders: ["x-tenant", "x-experiment"],
    hasIntrospection: true,
    trustedDocuments: ["/srv/web.json", "/srv/ios.json"],
    corsOrigins: ["https://app.example.com", "http://localhost:3000", "https://staging.example.com"],
    applications: new Map([
      [
        "mobile",
        {
          origins: ["http://localhost:3000", "https://staging.example.com"],
          confirmationUri: "com.example.app:/confirm?token={token}",
          resetUri: "https://m.example.com/reset",
          emailChangeUri: "example://email",
          emailUndoUri: "example://undo",
          appName: "Ada's Mobile Shop",
        },
      ],
      [
        "staging",
        {
          origins: [],
          confirmationUri: null,
          resetUri: null,
          emailChangeUri: null,
          emailUndoUri: null,
          appName: null,
        },
      ],
    ]),
    logLevel: "debug",
    tracing: { OTEL_SERVICE_NAME: "accounts", OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" },
    dataDir: resolve("/srv/data"),
    databaseUrl: PRODUCTION.DATABASE_URL,
    databaseDirectUrl: "postgresql://app:pw@db.example.com:5433/app",
    databaseReplicaUrls: [
      "postgresql://app:p,w@db2.example.com/app?sslmode=verify-full",
      "postgresql://app:pw@db3.example.com/app",
    ],
    migrateOnStart: false,
    jwtSecret: SECRET,
    accessTokenMinutes: 5,
    registrationTokenMinutes: 6,
    resetTokenMinutes: 7,
    emailChangeTokenMinutes: 8,
    sessionIdleDays: 9,
    sessionMaxDays: 10,
    auditRetentionDays: 11,
    hideAccountExistence: true,
    passwordMinLength: 12,
    challenge: "auto",
    rateLimits: { "mail-total": 50000, "password-address": 300 },
    passwordHash: { memoryKiB: 47_104, passes: 3 },
    passwordPeppers: [
      { version: 2, key: PEPPER },
      { version: 1, key: PEPPER },
    ],
    passwordFilter: "/srv/breached.filter",
    passwordRangeUrl: "https://api.pwnedpasswords.com/range",
    smtp: {
      host: "smtp.example.com",
      port: 2525,
      security: "starttls",
      auth: { user: "accounts@example.com", pass: "pass" },
    },
    senderAddress: "sender@example.com",
    subjects: { registration: "Confirm!", reset: "Reset!" },
    hasWebClient: false,
    confirmationUri: PRODUCTION.CONFIRMATION_URI,
    resetUri: PRODUCTION.RESET_URI,
    emailChangeUri: "https://app.example.com/#/new-address",
    emailUndoUri: "https://app.example.com/#/undo",
    warnings: [
      expect.stringMatching(/^DATABASE_URL /),
      expect.stringMatching(/^DATABASE_DIRECT_URL /),
      expect.stringMatching(/^DATABASE_REPLICA_URLS leads over the network to db3\.example\.com /),
    ],
  } satisfies Config);
});

test("without the web client, the links need pages of their own", () => {
  expect(faultsOf({ WEB_CLIENT: "false" })).toEqual([
    "CONFIRMATION_URI is missing, but required with WEB_CLIENT=false. Set it to the page that confirms accounts.",
    "RESET_URI is missing, but required with WEB_CLIENT=false. Set it to the page that sets a new password.",
  ]);
});

test("an empty variable is an unset one", () => {
  expect(loadConfig(Object.fromEntries(knownVariables().map((name) => [name, ""])))).toEqual(loadConfig({}));
});

test.each([
  [{}, false],
  [{ OTEL_SERVICE_NAME: "accounts" }, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector.example" }, true],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://collector.example/v1/traces" }, true],
  [{ OTEL_TRACES_EXPORTER: "console" }, true],
  [{ OTEL_TRACES_EXPORTER: "none", OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector.example" }, false],
  [{ OTEL_SDK_DISABLED: "true", OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector.example" }, false],
])("OpenTelemetry's variables %j ask for traces: %s", (environment, areAsked) => {
  expect(loadConfig(environment).tracing !== null).toBe(areAsked);
});

test("the configuration cannot be changed", () => {
  expect(Object.isFrozen(loadConfig({}))).toBe(true);
});

test.each([
  ["true", true],
  ["True", true],
  ["TRUE", true],
  ["1", true],
  ["yes", true],
  ["on", true],
  ["false", false],
  ["False", false],
  ["0", false],
  ["no", false],
  ["off", false],
])("%s is a boolean", (text, value) => {
  expect(loadConfig({ HIDE_ACCOUNT_EXISTENCE: text }).hideAccountExistence).toBe(value);
  expect(loadConfig({ MIGRATE_ON_START: text }).migrateOnStart).toBe(value);
});

describe("a .env file", () => {
  test("of the Flask application works unchanged", () => {
    const file = [
      "\uFEFF# Mail",
      "'MAIL_SERVER' = 'smtp.gmail.com'",
      "'MAIL_PORT' = 465",
      "'MAIL_USE_SSL' = True",
      '"MAIL_USE_TLS" = False',
      "'MAIL_USERNAME' = 'app@gmail.com'",
      "'MAIL_PASSWORD' = 'abcd efgh # ijkl'",
      "",
      "export SECRET_KEY=a=secret=of=this=test==",
      "SQLALCHEMY_DATABASE_URI=postgresql+psycopg2://app:p%23w@localhost/app?sslmode=require # local",
      "CONFIRMATION_URI=http://localhost:8080/#/finalize\t# the fragment is kept",
      '  SUBJECT = "Say \\"hi\\"" # quoted',
      "UNKNOWN_OF_FLASK=whatever",
      "no assignment at all",
    ].join("\r\n");
    expect(loadConfig(parseEnv(file))).toMatchObject({
      smtp: {
        host: "smtp.gmail.com",
        port: 465,
        security: "tls",
        auth: { user: "app@gmail.com", pass: "abcd efgh # ijkl" },
      },
      senderAddress: "app@gmail.com",
      jwtSecret: "a=secret=of=this=test==",
      databaseUrl: "postgresql://app:p%23w@localhost/app?sslmode=require",
      confirmationUri: "http://localhost:8080/#/finalize",
      subjects: { registration: 'Say "hi"' },
    });
  });

  test.each([
    ["A=b", "b"],
    ["A = b", "b"],
    ["  A=b  ", "b"],
    ["\tA\t=\tb", "b"],
    ["export A=b", "b"],
    ["'A'=b", "b"],
    ['"A" = b', "b"],
    ["A='b'", "b"],
    ['A="b"', "b"],
    ["A=", ""],
    ["A=''", ""],
    ['A=""', ""],
    ["A= # nothing", ""],
    ["A=b # comment", "b"],
    ["A=b\t# comment", "b"],
    ["A='b' # comment", "b"],
    ['A="b" # it\'s a "comment"', "b"],
    ["A=b#c", "b#c"],
    ["A=#b", "#b"],
    ["A='#b'", "#b"],
    ["A=' b '", " b "],
    ["A='b # c'", "b # c"],
    ['A="b # c"', "b # c"],
    ["A=b=c==", "b=c=="],
    ["A=b c", "b c"],
    ["A=b'c", "b'c"],
    ['A=b"c"', 'b"c"'],
    ['A="b\\"c"', 'b"c'],
    ["A='b\\'c'", "b'c"],
    ['A="b\\\\c"', "b\\c"],
    ["A='b\\\\c'", "b\\c"],
    ['A="b\\nc"', "b\nc"],
    ["A='b\\nc'", "b\\nc"],
    ['A="b\\dc"', "b\\dc"],
    ["A=b\\nc", "b\\nc"],
    ["A=$B", "$B"],
    ["A=\u00e4\u2615", "\u00e4\u2615"],
    ["\uFEFFA=b", "b"],
    ["A=b\r", "b"],
    ["A=a\nA=b", "b"],
    ["# A=a\n#A=c\nA=b", "b"],
  ])("with the text %j gives A the value %j", (text, value) => {
    expect(parseEnv(text)).toEqual({ A: value });
  });

  test.each(["", "\n\r\n", "# A=b", "A", "=b", "A b=c"])("finds nothing in %j", (text) => {
    expect(parseEnv(text)).toEqual({});
  });

  test("that does not exist sets nothing", () => {
    expect(readEnvFile("tests/fixtures/no-such-file.env")).toEqual({});
  });
});

describe("the names of the Flask application", () => {
  test.each(["postgres", "postgresql", "postgresql+psycopg2"])(
    "SQLALCHEMY_DATABASE_URI with %s: is read as DATABASE_URL",
    (scheme) => {
      const rest = "//app:pw@localhost:5432/app?sslmode=disable";
      for (const name of ["SQLALCHEMY_DATABASE_URI", "DATABASE_URL"]) {
        expect(loadConfig({ [name]: `${scheme}:${rest}` }).databaseUrl).toBe(`postgresql:${rest}`);
      }
    },
  );

  test("SECRET_KEY is read as JWT_SECRET", () => {
    expect(loadConfig({ SECRET_KEY: SECRET }).jwtSecret).toBe(SECRET);
  });

  test("give way to the new ones", () => {
    const config = loadConfig({
      SECRET_KEY: "old",
      JWT_SECRET: "new",
      SQLALCHEMY_DATABASE_URI: "sqlite:///old.db",
      DATABASE_URL: "postgresql://localhost/new",
    });
    expect(config).toMatchObject({ jwtSecret: "new", databaseUrl: "postgresql://localhost/new" });
  });

  test("hold again where the new ones are empty", () => {
    const config = loadConfig({
      SECRET_KEY: "old",
      JWT_SECRET: "",
      SQLALCHEMY_DATABASE_URI: "postgresql://localhost/old",
      DATABASE_URL: "",
    });
    expect(config).toMatchObject({ jwtSecret: "old", databaseUrl: "postgresql://localhost/old" });
  });

  test.each([
    ["sqlite:///data.db", "sqlite"],
    [`mysql://root:${HIDDEN}@localhost/app`, "mysql"],
    [`mysql+pymysql://root:${HIDDEN}@localhost/app`, "mysql+pymysql"],
    [`mongodb://root:${HIDDEN}@localhost/app`, "mongodb"],
  ])("%s is refused, which says that only PostgreSQL is supported", (url, scheme) => {
    for (const name of ["SQLALCHEMY_DATABASE_URI", "DATABASE_URL"]) {
      const faults = faultsOf({ [name]: url });
      expect(faults).toHaveLength(1);
      expect(faults[0]).toMatch(new RegExp(`^${name} .*PostgreSQL.*postgresql://`));
      expect(faults[0]).toContain(`"${scheme}"`);
      expect(faults[0]).not.toContain(HIDDEN);
    }
  });
});

describe("a DATABASE_URL with several hosts", () => {
  test.each([
    "postgresql://app:p%40w@db1.example.com:5432,db2.example.com:5433/app",
    "postgresql://app@db1,[::1]:5433/app?target_session_attrs=read-write&sslmode=verify-full",
    "postgresql://db1,db2/app?target_session_attrs=primary",
    "postgresql://db1,db2/app?target_session_attrs=any",
  ])("%s is taken", (url) => {
    expect(loadConfig({ DATABASE_URL: url }).databaseUrl).toBe(url);
  });

  test.each([
    [
      "postgresql://db1,db2/app?target_session_attrs=prefer-standby",
      /target_session_attrs=prefer-standby.*read-write/,
    ],
    ["postgresql://db1/app?target_session_attrs=read-only", /target_session_attrs=read-only.*read-write/],
    [`postgresql://app:${HIDDEN}@/app?host=db1,db2`, /not a valid URL|before the path/],
    [`postgresql://app:${HIDDEN}@db/app?host=db1,db2`, /before the path/],
    [`postgresql://app:${HIDDEN}@db1,,db2/app`, /not a valid URL/],
    [`postgresql://app:${HIDDEN}@db1:port,db2/app`, /not a valid URL/],
  ])("%s is refused", (url, sentence) => {
    const faults = faultsOf({ DATABASE_URL: url });
    expect(faults).toEqual([expect.stringMatching(sentence)]);
    expect(faults[0]).not.toContain(HIDDEN);
  });

  test("has a warning in production if one of them is met over the network without TLS that is checked", () => {
    const DATABASE_URL = "postgresql://app@localhost,db2.example.com/app";
    const { warnings } = loadConfig({ ...PRODUCTION, DATABASE_URL, HIDE_ACCOUNT_EXISTENCE: "true" });
    expect(warnings[0]).toMatch(/^DATABASE_URL leads over the network to db2\.example\.com without/);
  });
});

describe("DATABASE_REPLICA_URLS", () => {
  test.each([
    ["mysql://localhost/app", /^DATABASE_REPLICA_URLS has the scheme "mysql"\. Only PostgreSQL is supported/],
    [
      `postgresql://app:${HIDDEN}@replica`,
      /^DATABASE_REPLICA_URLS is not a valid URL\. Set it to postgresql:/,
    ],
    [
      `postgresql://replica1/app, replica2:${HIDDEN}@:5432`,
      /^DATABASE_REPLICA_URLS has several hosts in one URL\. Write a whole URL for each/,
    ],
    [
      `postgresql://replica1/app,postgresql://app:${HIDDEN}@replica2:port/app`,
      /^DATABASE_REPLICA_URLS \(URL 2\) is not a valid URL/,
    ],
    [
      `postgresql://app:${HIDDEN}@replica1,replica2/app`,
      /^DATABASE_REPLICA_URLS has several hosts in one URL/,
    ],
    ["postgresql://replica1/app?target_session_attrs=read-write", /=read-write, but replicas take no writes/],
  ])("%s is refused", (urls, sentence) => {
    const faults = faultsOf({ DATABASE_URL: "postgresql://db/app", DATABASE_REPLICA_URLS: urls });
    expect(faults).toEqual([expect.stringMatching(sentence)]);
    expect(faults[0]).not.toContain(HIDDEN);
  });

  test("may ask for a standby, as libpq does", () => {
    const url = "postgresql://app@replica/app?target_session_attrs=prefer-standby";
    const { databaseReplicaUrls } = loadConfig({
      DATABASE_URL: "postgresql://db/app",
      DATABASE_REPLICA_URLS: url,
    });
    expect(databaseReplicaUrls).toEqual([url]);
  });

  test("is refused without DATABASE_URL", () => {
    expect(faultsOf({ DATABASE_REPLICA_URLS: "postgresql://replica/app" })).toEqual([
      "DATABASE_REPLICA_URLS is set without DATABASE_URL. Set DATABASE_URL to the primary of these replicas.",
    ]);
  });
});

describe("the way to the SMTP server", () => {
  const LOGIN = { MAIL_USERNAME: "accounts@example.com", MAIL_PASSWORD: "pw" };
  const smtp = (environment: Environment) => {
    const config = loadConfig({ MAIL_SERVER: "smtp.example.com", ...environment });
    return [config.smtp?.security, config.smtp?.port];
  };

  test.each<[Environment, string, number]>([
    [{}, "opportunistic", 25],
    [{ MAIL_PORT: "2525" }, "opportunistic", 2525],
    [{ MAIL_PORT: "587" }, "opportunistic", 587],
    [{ MAIL_USE_TLS: "true" }, "starttls", 587],
    [{ MAIL_USE_TLS: "true", MAIL_PORT: "25" }, "starttls", 25],
    [{ MAIL_USE_SSL: "true" }, "tls", 465],
    [{ MAIL_USE_SSL: "true", MAIL_PORT: "2465" }, "tls", 2465],
    [{ MAIL_PORT: "465" }, "tls", 465],
    [{ MAIL_USE_SSL: "true", MAIL_USE_TLS: "false" }, "tls", 465],
    [{ MAIL_USE_SSL: "false", MAIL_USE_TLS: "false" }, "opportunistic", 25],
    [{ MAIL_USE_TLS: "optional" }, "opportunistic", 25],
    [{ MAIL_USE_SSL: "true", MAIL_USE_TLS: "optional" }, "tls", 465],
    [LOGIN, "starttls", 25],
    [{ ...LOGIN, MAIL_PORT: "587" }, "starttls", 587],
    [{ ...LOGIN, MAIL_PORT: "465", MAIL_USE_TLS: "false" }, "tls", 465],
    [{ ...LOGIN, MAIL_USE_TLS: "Optional" }, "opportunistic", 25],
  ])("with %j is %s on port %i", (environment, security, port) => {
    expect(smtp(environment)).toEqual([security, port]);
  });

  test.each<[Environment, RegExp]>([
    [{ MAIL_USE_SSL: "true", MAIL_USE_TLS: "true" }, /^MAIL_USE_SSL and MAIL_USE_TLS .*\. Keep/],
    [{ MAIL_USE_TLS: "true", MAIL_PORT: "465" }, /^MAIL_USE_TLS .*MAIL_PORT=465.*\. Set MAIL_USE_SSL/],
    [{ ...LOGIN, MAIL_USE_TLS: "false" }, /^MAIL_USE_TLS is false, but MAIL_PASSWORD .*optional/],
    [{ MAIL_PASSWORD: HIDDEN }, /^MAIL_PASSWORD .*MAIL_USERNAME\. Set both/],
  ])("with %j is a fault", (environment, fault) => {
    expect(faultsOf({ MAIL_SERVER: "smtp.example.com", ...environment })).toEqual([
      expect.stringMatching(fault),
    ]);
  });

  test("needs a password for a username to sign in with it", () => {
    const base = { MAIL_SERVER: "smtp.example.com", MAIL_USERNAME: "accounts@example.com" };
    expect(loadConfig(base).smtp?.auth).toBeNull();
    expect(loadConfig({ ...base, ...LOGIN }).smtp?.auth).toEqual({
      user: "accounts@example.com",
      pass: "pw",
    });
  });
});

const WRONG: [string, string][] = [
  ["NODE_ENV", "prod"],
  ["APP_NAME", "two\nlines"],
  ["HOST", "127.0.0.1\n"],
  ["PORT", "65536"],
  ["PORT", "-1"],
  ["PORT", "http"],
  ["PORT", "80.5"],
  ["PORT", "1e3"],
  ["PORT", " 80"],
  ["METRICS_PORT", "65536"],
  ["METRICS_PORT", "4000"], // that of PORT
  ["CORS_ORIGINS", "*"],
  ["CORS_ORIGINS", "app.example.com"],
  ["CORS_ORIGINS", "https://app.example.com/"],
  ["CORS_ORIGINS", "https://app.example.com/path"],
  ["CORS_ORIGINS", "https://*.example.com"],
  ["CORS_ORIGINS", "null"],
  ["CORS_HEADERS", "*"],
  ["CORS_HEADERS", "X-Tenant: 1"],
  ["CORS_ORIGINS", "ftp://app.example.com"],
  ["APPLICATIONS", "mobile"],
  ["APPLICATIONS", "[]"],
  ["APPLICATIONS", '{"mobile": "Ada\'s Shop"}'],
  ["APPLICATIONS", '{"mobile": {"origins": "https://app.example.com"}}'],
  ["APPLICATIONS", '{"mobile": {"origins": ["app.example.com"]}}'],
  ["APPLICATIONS", '{"mobile": {"appName": "two\\nlines"}}'],
  ["APPLICATIONS", '{"mobile": {"appName": ""}}'],
  ["APPLICATIONS", '{"mobile": {"resetUri": 7}}'],
  ["APPLICATIONS", '{"mobile": {"resetUri": "app.example.com/reset"}}'],
  ["LOG_LEVEL", "verbose"],
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"],
  ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "4318"],
  ["DATA_DIR", "a\0b"],
  ["DATABASE_URL", "postgresql://"],
  ["DATABASE_URL", "postgresql://localhost"],
  ["DATABASE_URL", "localhost/app"],
  ["MIGRATE_ON_START", "maybe"],
  ["ACCESS_TOKEN_MINUTES", "0"],
  ["ACCESS_TOKEN_MINUTES", "44641"],
  ["REGISTRATION_TOKEN_MINUTES", "never"],
  ["RESET_TOKEN_MINUTES", "1 hour"],
  ["HIDE_ACCOUNT_EXISTENCE", "2"],
  ["PASSWORD_MIN_LENGTH", "7"],
  ["PASSWORD_MIN_LENGTH", "65"],
  ["RATE_LIMITS", "mail-totals=1"],
  ["RATE_LIMITS", "mail-total=0"],
  ["PASSWORD_HASH_MIB", "18"],
  ["PASSWORD_HASH_PASSES", "1"],
  ["PASSWORD_PEPPER", PEPPER],
  ["PASSWORD_PEPPER", `0:${PEPPER}`],
  ["PASSWORD_PEPPER", `1:${PEPPER},`],
  ["PASSWORD_PEPPER", `1:${PEPPER},1:${PEPPER}`],
  ["PASSWORD_PEPPER", `1:${Buffer.alloc(31).toString("base64")}`],
  ["PASSWORD_RANGE_URL", "http://api.pwnedpasswords.com/range"],
  ["PASSWORD_RANGE_URL", "https://app:pw@api.pwnedpasswords.com/range"],
  ["PASSWORD_RANGE_URL", "https://api.pwnedpasswords.com/range?mode=ntlm"],
  ["PASSWORD_RANGE_URL", "api.pwnedpasswords.com/range"],
  ["MAIL_PORT", "0"],
  ["MAIL_USE_SSL", "ssl"],
  ["MAIL_USE_TLS", "tls"],
  ["MAIL_DEFAULT_SENDER", "Ada <ada@example.com>"],
  ["MAIL_DEFAULT_SENDER", "ada"],
  ["MAIL_DEFAULT_SENDER", "a@b.io\r\nBcc: c@d.io"],
  ["SUBJECT", "Hello\r\nBcc: evil@example.com"],
  ["SUBJECT_RESET", "two\nlines"],
  ["CONFIRMATION_URI", "app.example.com/finalize"],
  ["CONFIRMATION_URI", "javascript:alert(1)"],
  ["RESET_URI", "ftp://app.example.com"],
  ["TRUSTED_PROXIES", "proxy.example.com"],
  ["TRUSTED_PROXIES", "10.0.0.0/33"],
  ["TRUSTED_PROXIES", "0.0.0.0/0"],
  ["TRUSTED_PROXIES", "127.0.0.1,::/0"],
];

describe("a fault", () => {
  test.each(WRONG)("%s=%j is named, with how to mend it", (name, value) => {
    const faults = faultsOf({ [name]: value });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(
      new RegExp(
        `^${name}[. ].*\\. (Set it to .*|Remove it|Only PostgreSQL is supported, as in .*)\\.$`,
        "s",
      ),
    );
  });

  test("does not hide another: all are told together", () => {
    const wrong = Object.fromEntries(WRONG);
    const faults = faultsOf(wrong);
    expect(faults).toHaveLength(Object.keys(wrong).length);
    for (const name of Object.keys(wrong)) expect(faults.join("\n")).toContain(name);
  });

  test("of a database address never tells its password", () => {
    for (const url of [
      `postgresql://app:${HIDDEN}@localhost`,
      `postgresql://app:${HIDDEN}#x@localhost/app`,
      `postgresql://app:${HIDDEN}@local host/app`,
      `postgresql://app:${HIDDEN}@localhost:port/app`,
      `//app:${HIDDEN}@localhost/app`,
      `${HIDDEN}@localhost/app`,
      `app:${HIDDEN}@localhost/app`,
    ]) {
      const faults = faultsOf({ DATABASE_URL: url });
      expect(faults, url).toHaveLength(1);
      expect(faults[0]).not.toContain(HIDDEN);
    }
  });
});

test("a fault of the pepper says which version, and not the key", () => {
  const key = Buffer.from(HIDDEN).toString("base64");
  const [fault] = faultsOf({ PASSWORD_PEPPER: `7:${key}` });
  expect(fault).toMatch(
    /^PASSWORD_PEPPER has a key of 14 bytes for version 7; the least is 32\. Set it to VERSION:KEY/,
  );
  expect(fault).not.toContain(key);
});

describe("APPLICATIONS", () => {
  const faultsOfLink = (confirmationUri: string, environment: Environment = {}) =>
    faultsOf({ ...environment, APPLICATIONS: JSON.stringify({ mobile: { confirmationUri } }) });

  test.each(["myapp://confirm", "com.example.app:/confirm?token={token}", "https://m.example.com/#/confirm"])(
    "may lead to %s, in production too",
    (uri) => {
      expect(faultsOfLink(uri)).toEqual([]);
      expect(faultsOfLink(uri, PRODUCTION)).toEqual([]);
    },
  );

  test.each([
    "javascript:alert(1)",
    "JavaScript://app.example.com/%0aalert(1)",
    " javascript:alert(1)",
    "data:text/html,hello",
    "vbscript:msgbox",
    "file:///etc/passwd",
    "blob:https://app.example.com/1",
    "about:blank",
    "mailto:ada@example.com",
    "intent://confirm#Intent;scheme=myapp;end",
    "/confirm",
  ])("never lead to %s", (uri) => {
    expect(faultsOfLink(uri)).toEqual([
      expect.stringMatching(
        /^APPLICATIONS\.mobile\.confirmationUri is ".*"\. Set it to an http or https URL, or to one with the scheme of a native app/,
      ),
    ]);
  });

  test("lead in production to no page that anybody on the way can change", () => {
    expect(faultsOfLink("http://m.example.com/confirm")).toEqual([]);
    expect(faultsOfLink("http://m.example.com/confirm", PRODUCTION)).toEqual([
      expect.stringMatching(
        /^APPLICATIONS\.mobile\.confirmationUri is "http:.*"\. Set it to an https URL, or/,
      ),
    ]);
    const APPLICATIONS = '{"web": {"origins": ["http://m.example.com"]}}';
    expect(faultsOf({ ...PRODUCTION, APPLICATIONS })).toEqual([
      expect.stringMatching(/^APPLICATIONS\.web\.origins contains .* Set it to https origins/),
    ]);
  });

  test("have plain names and known settings; every fault is told", () => {
    const APPLICATIONS = JSON.stringify({
      "Mobile App": {},
      web: { confirmation_uri: "https://m.example.com", appName: 1 },
    });
    expect(faultsOf({ APPLICATIONS })).toEqual([
      'APPLICATIONS has the name "Mobile App". Use lower-case letters, digits and -, at most 32, with a letter first.',
      'APPLICATIONS.web has the setting "confirmation_uri". Use only origins, confirmationUri, resetUri, emailChangeUri, emailUndoUri, appName.',
      "APPLICATIONS.web.appName is 1. Set it to text on one line, or remove it.",
    ]);
  });
});

describe("production", () => {
  test("starts with everything it needs", () => {
    expect(faultsOf(PRODUCTION)).toEqual([]);
  });

  test.each([
    ["DATABASE_URL", ""],
    ["JWT_SECRET", ""],
    ["MAIL_SERVER", ""],
    ["CONFIRMATION_URI", ""],
    ["RESET_URI", ""],
    ["CONFIRMATION_URI", "http://app.example.com/#/finalize"],
    ["RESET_URI", "http://app.example.com/#/reset"],
    ["JWT_SECRET", HIDDEN],
    ["JWT_SECRET", "x".repeat(31)],
  ])("is refused with %s=%j", (name, value) => {
    const faults = faultsOf({ ...PRODUCTION, [name]: value });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(new RegExp(`^${name} .*\\. Set it to`));
    expect(faults[0]).not.toContain(HIDDEN);
  });

  test.each([{}, { MAIL_USERNAME: "apikey" }])(
    "is refused without an address to send from: %j",
    (environment) => {
      const faults = faultsOf({ ...PRODUCTION, MAIL_USERNAME: "", ...environment });
      expect(faults).toEqual([
        expect.stringMatching(/^MAIL_DEFAULT_SENDER .*MAIL_USERNAME.*\. Set one of them/),
      ]);
    },
  );

  test("measures the secret in bytes", () => {
    expect(faultsOf({ ...PRODUCTION, JWT_SECRET: "0123456789abcdefghijklmnopqrstuv" })).toEqual([]);
    expect(faultsOf({ ...PRODUCTION, JWT_SECRET: "äöüßáéíóúàèìòùâê" })).toEqual([]);
  });

  test("is told everything that is missing in one message", () => {
    const faults = faultsOf({ NODE_ENV: "production" });
    const names = [
      "DATABASE_URL",
      "MAIL_SERVER",
      "CONFIRMATION_URI",
      "RESET_URI",
      "JWT_SECRET",
      "MAIL_DEFAULT_SENDER",
    ];
    expect(faults).toHaveLength(names.length);
    for (const name of names)
      expect(
        faults.some((fault) => fault.startsWith(`${name} is missing`)),
        name,
      ).toBe(true);
  });

  test("is told everything that is weak in one message, and no secret in it", () => {
    const faults = faultsOf({
      NODE_ENV: "production",
      DATABASE_URL: `mysql://root:${HIDDEN}@localhost/app`,
      JWT_SECRET: HIDDEN,
      MAIL_SERVER: "smtp.example.com",
      MAIL_PASSWORD: HIDDEN,
      CONFIRMATION_URI: "http://app.example.com",
      RESET_URI: "http://app.example.com",
    });
    const names = faults.map((fault) => /^[A-Z_]+/.exec(fault)?.[0]);
    expect(names.sort()).toEqual([
      "CONFIRMATION_URI",
      "DATABASE_URL",
      "JWT_SECRET",
      "MAIL_DEFAULT_SENDER",
      "MAIL_PASSWORD",
      "RESET_URI",
    ]);
    expect(faults.join("\n")).not.toContain(HIDDEN);
  });
});

/** Every name that src/config/config.ts reads. */
function knownVariables(): string[] {
  const source = readFileSync("src/config/config.ts", "utf8");
  return [...new Set([...source.matchAll(/"([A-Z][A-Z0-9_]{3,})"/g)].map(([, name]) => name!))];
}

test("the list of known variables is found", () => {
  expect(knownVariables()).toEqual(
    expect.arrayContaining(["NODE_ENV", "HOST", "PORT", "SECRET_KEY", "RESET_URI"]),
  );
});

describe.skipIf(!existsSync(".env.example"))(".env.example", () => {
  const example = () => readFileSync(".env.example", "utf8");
  const named = () => [...example().matchAll(/^#?\s*([A-Z][A-Z0-9_]{3,})\s*=/gm)].map(([, name]) => name!);

  test("documents every variable that the server reads", () => {
    expect(knownVariables().filter((name) => !example().includes(name))).toEqual([]);
  });

  test("names no variable that the server does not read", () => {
    expect(named()).not.toEqual([]);
    expect(named().filter((name) => !knownVariables().includes(name))).toEqual([]);
  });

  test("is free of faults as it stands", () => {
    expect(faultsOf(parseEnv(example()))).toEqual([]);
  });
});
