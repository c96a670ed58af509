// Reads the environment into one typed, frozen Config. All variables of the server are read and checked here, and all
// faults are reported together. `.env.example` and the README's table list the same variables.
import { isIP } from "node:net";
import { resolve } from "node:path";

import { originFault, readApplications, type ApplicationSettings } from "./applications.ts";
import { readEnvFile } from "./env-file.ts";
import { Reader, withoutEmpty, type Environment } from "./reader.ts";
import { RATE_LIMITS, type RateLimitName } from "../accounts/rules/rate-limits.ts";
import {
  isLoopbackHost,
  parseDatabaseUrl,
  parseReplicaUrl,
  unsecuredHost,
} from "../database/database-url.ts";
import type { LogLevel } from "../log.ts";
import type { SmtpSettings } from "../mail/smtp-connection.ts";

export interface Config {
  /** NODE_ENV=production: no embedded PostgreSQL, generated secret, mailbox or GraphiQL. */
  readonly isProduction: boolean;
  readonly appName: string;
  readonly host: string;
  /** 0 picks any free port. */
  readonly port: number;
  /** Where Prometheus reads the metrics; null if they are not served. 0 picks any free port. */
  readonly metricsPort: number | null;
  /** The number of processes that serve requests. */
  readonly workers: number;
  /** How long a server that stops still takes requests, while its readiness check fails. */
  readonly drainSeconds: number;
  /** IP addresses or networks (CIDR) of the proxies whose X-Forwarded-For header is trusted. */
  readonly trustedProxies: readonly string[];
  /** The exact origins whose pages may call /graphql, those of `applications` among them. */
  readonly corsOrigins: readonly string[];
  /** Headers that these pages may send, besides those of well-known clients; in lower case. */
  readonly corsHeaders: readonly string[];
  /** Whether queries can ask for the schema. */
  readonly hasIntrospection: boolean;
  /** The absolute paths of lists of the only documents that are run; none if any document is run. */
  readonly trustedDocuments: readonly string[];
  /** The applications of the product that have settings of their own, by name. */
  readonly applications: ReadonlyMap<string, ApplicationSettings>;
  readonly logLevel: LogLevel;
  /** OpenTelemetry's own variables, for its SDK, if they ask for traces. */
  readonly tracing: Readonly<Record<string, string>> | null;
  /** The absolute path of the folder of the embedded PostgreSQL, the generated secret and the mailbox. */
  readonly dataDir: string;
  /** Null for the embedded PostgreSQL. */
  readonly databaseUrl: string | null;
  /** Past the connection pooler that `databaseUrl` leads to; null without one. */
  readonly databaseDirectUrl: string | null;
  /** Hot standbys of the database, which long lists are read from. */
  readonly databaseReplicaUrls: readonly string[];
  readonly migrateOnStart: boolean;
  /** Null for a secret that is generated and kept in the data folder. */
  readonly jwtSecret: string | null;
  readonly accessTokenMinutes: number;
  readonly registrationTokenMinutes: number;
  readonly resetTokenMinutes: number;
  readonly emailChangeTokenMinutes: number;
  /** A session ends if it is not refreshed for this long. */
  readonly sessionIdleDays: number;
  /** A session ends after this long, even if it is used. */
  readonly sessionMaxDays: number;
  readonly auditRetentionDays: number;
  readonly hideAccountExistence: boolean;
  readonly passwordMinLength: number;
  /** When `register`, `login` and `requestReset` ask for proof of work. */
  readonly challenge: "off" | "auto" | "always";
  /** Maxima that replace those of RATE_LIMITS (accounts/rules/rate-limits.ts); null turns all limits off. */
  readonly rateLimits: Partial<Record<RateLimitName, number>> | null;
  /** The work of new password hashes (argon2id). */
  readonly passwordHash: { readonly memoryKiB: number; readonly passes: number };
  /** Keys that go into password hashes: the first into new ones; all verify. */
  readonly passwordPeppers: readonly { readonly version: number; readonly key: string }[];
  /** The absolute path of a filter of breached passwords. */
  readonly passwordFilter: string | null;
  /** The service that is asked for breached passwords, without a slash at the end. */
  readonly passwordRangeUrl: string | null;
  /** Null if emails go to the mailbox in the data folder. */
  readonly smtp: SmtpSettings | null;
  /** The sender's email address. */
  readonly senderAddress: string;
  /** Subjects that replace those of the templates. */
  readonly subjects: { readonly registration?: string; readonly reset?: string };
  /** Whether the web client is served at `/`. */
  readonly hasWebClient: boolean;
  /** Null for the page of the web client. */
  readonly confirmationUri: string | null;
  readonly resetUri: string | null;
  readonly emailChangeUri: string | null;
  readonly emailUndoUri: string | null;
  /** What is allowed in production, but weak: one sentence each, with how to mend it. */
  readonly warnings: readonly string[];
}

/** Lists everything that is wrong with the environment. Each fault says what is wrong and how to correct it. */
export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    const count = faults.length === 1 ? "1 error" : `${faults.length} errors`;
    super(`The configuration has ${count}:\n${faults.map((fault) => `  - ${fault}`).join("\n")}`);
    this.name = "ConfigError";
    this.faults = faults;
  }
}

/** The environment of the process, which takes precedence over the `.env` file in the working directory. */
export function readEnvironment(): Environment {
  return { ...readEnvFile(".env"), ...withoutEmpty(process.env) };
}

/** For a library that reads the environment by itself, and knows no `.env` file. */
export function putIntoEnvironment(variables: Readonly<Record<string, string>>): void {
  Object.assign(process.env, variables);
}

/** @throws {ConfigError} with all faults */
export function loadConfig(environment: Environment): Config {
  const read = new Reader(withoutEmpty(environment));
  const purpose = read.oneOf("NODE_ENV", ["development", "test", "production"], "development");
  const isProduction = purpose === "production";
  const applications = readApplications(read.optional("APPLICATIONS"), isProduction, read.faults);
  const config: Config = {
    isProduction,
    appName: read.text("APP_NAME", "Account Server"),
    host: read.text("HOST", "127.0.0.1"),
    port: read.integer("PORT", 4000, 0, 65535),
    metricsPort: read.optional("METRICS_PORT") === null ? null : read.integer("METRICS_PORT", 9464, 0, 65535),
    workers: read.integer("WORKERS", 1, 1, 64),
    drainSeconds: read.integer("DRAIN_SECONDS", isProduction ? 1 : 0, 0, 300),
    trustedProxies: readProxies(read),
    corsOrigins: allOrigins(
      readOrigins(read, isProduction) ?? (purpose === "development" ? DEVELOPMENT_ORIGINS : []),
      applications,
    ),
    corsHeaders: readCorsHeaders(read),
    hasIntrospection: read.boolean("INTROSPECTION", !isProduction),
    trustedDocuments: readPaths(read, "TRUSTED_DOCUMENTS"),
    applications,
    logLevel: read.oneOf("LOG_LEVEL", ["debug", "info", "warn", "error", "silent"], "info"),
    tracing: readTracing(read),
    dataDir: resolve(read.text("DATA_DIR", ".data")),
    databaseUrl: readDatabaseUrl(read, databaseUrlName(read)),
    databaseDirectUrl: readDatabaseUrl(read, "DATABASE_DIRECT_URL"),
    databaseReplicaUrls: readReplicaUrls(read),
    migrateOnStart: read.boolean("MIGRATE_ON_START", true),
    jwtSecret: read.optional(secretName(read)),
    accessTokenMinutes: read.integer("ACCESS_TOKEN_MINUTES", 15, 1, MONTH_IN_MINUTES),
    registrationTokenMinutes: read.integer("REGISTRATION_TOKEN_MINUTES", 1440, 1, MONTH_IN_MINUTES),
    resetTokenMinutes: read.integer("RESET_TOKEN_MINUTES", 30, 1, MONTH_IN_MINUTES),
    emailChangeTokenMinutes: read.integer("EMAIL_CHANGE_TOKEN_MINUTES", 1440, 1, MONTH_IN_MINUTES),
    sessionIdleDays: read.integer("SESSION_IDLE_DAYS", 30, 1, 3650),
    sessionMaxDays: read.integer("SESSION_MAX_DAYS", 90, 1, 3650),
    auditRetentionDays: read.integer("AUDIT_RETENTION_DAYS", 365, 1, 3650),
    hideAccountExistence: read.boolean("HIDE_ACCOUNT_EXISTENCE", false),
    passwordMinLength: read.integer("PASSWORD_MIN_LENGTH", 8, 8, 64),
    challenge: read.oneOf("CHALLENGE", ["off", "auto", "always"], "off"),
    rateLimits: readRateLimits(read),
    passwordHash: {
      memoryKiB: 1024 * read.integer("PASSWORD_HASH_MIB", 19, 19, 256),
      passes: read.integer("PASSWORD_HASH_PASSES", 2, 2, 32),
    },
    passwordPeppers: readPeppers(read),
    passwordFilter: readPath(read, "PASSWORD_FILTER"),
    passwordRangeUrl: readRangeUrl(read),
    smtp: readSmtp(read),
    senderAddress: readSenderAddress(read, isProduction),
    subjects: readSubjects(read),
    hasWebClient: read.boolean("WEB_CLIENT", true),
    confirmationUri: readLink(read, "CONFIRMATION_URI", "/#/finalize", isProduction),
    resetUri: readLink(read, "RESET_URI", "/#/reset", isProduction),
    emailChangeUri:
      readLink(read, "EMAIL_CHANGE_URI", "/#/change-email", isProduction) ??
      besideConfirmation(read, "/#/change-email"),
    // A product's own page of before took both kinds of links.
    emailUndoUri:
      readLink(read, "EMAIL_UNDO_URI", "/#/undo-email-change", isProduction) ??
      read.optional("EMAIL_CHANGE_URI") ??
      besideConfirmation(read, "/#/undo-email-change"),
    warnings: read.warnings,
  };
  if (isProduction) {
    requireForProduction(read, config);
    warnInProduction(read, config);
  } else if (!config.hasWebClient) requireLinks(read, config, "WEB_CLIENT=false");
  if (config.workers > 1) requireForWorkers(read, config);
  if (config.metricsPort === config.port && config.port !== 0)
    read.faults.push(`METRICS_PORT is ${config.port}, as is PORT. Set it to another port, such as 9464.`);
  if (config.databaseDirectUrl !== null && config.databaseUrl === null)
    read.faults.push(
      "DATABASE_DIRECT_URL is set without DATABASE_URL. Set DATABASE_URL to the connection pooler; without one, only DATABASE_URL is " +
        "needed.",
    );
  if (config.databaseReplicaUrls.length > 0 && config.databaseUrl === null)
    read.faults.push(
      "DATABASE_REPLICA_URLS is set without DATABASE_URL. Set DATABASE_URL to the primary of these replicas.",
    );
  if (read.faults.length > 0) throw new ConfigError(read.faults);
  return Object.freeze(config);
}

/** Where people look at the front end that they are writing: at the ports of Next.js, `vite preview` and `vite`. */
const DEVELOPMENT_ORIGINS = [3000, 4173, 5173].flatMap((port) => [
  `http://localhost:${port}`,
  `http://127.0.0.1:${port}`,
]);
const MONTH_IN_MINUTES = 31 * 24 * 60;
const SECRET_MIN_BYTES = 32;
/** 32 random bytes, written in hexadecimal or base64, have more, but for one time in millions. */
const SECRET_MIN_DISTINCT_BYTES = 8;

/** The name under which the secret is set: the Flask application calls it SECRET_KEY. */
function secretName(read: Reader): "JWT_SECRET" | "SECRET_KEY" {
  const isFlask = read.optional("JWT_SECRET") === null && read.optional("SECRET_KEY") !== null;
  return isFlask ? "SECRET_KEY" : "JWT_SECRET";
}

function databaseUrlName(read: Reader): string {
  return read.optional("DATABASE_URL") === null ? "SQLALCHEMY_DATABASE_URI" : "DATABASE_URL";
}

function readDatabaseUrl(read: Reader, name: string): string | null {
  const value = read.optional(name);
  if (value === null) return null;
  try {
    return parseDatabaseUrl(name, value);
  } catch (error) {
    read.faults.push((error as Error).message);
    return value;
  }
}

function readReplicaUrls(read: Reader): string[] {
  const name = "DATABASE_REPLICA_URLS";
  // A comma may also be in a password; only one before the next URL, or at the end, ends this one.
  const values = (read.optional(name) ?? "").split(/,(?=\s*(?:[a-z][a-z0-9+]*:\/\/|$))/i);
  return values.flatMap((text, index) => {
    const value = text.trim();
    if (value === "") return [];
    try {
      return parseReplicaUrl(values.length > 1 ? `${name} (URL ${index + 1})` : name, value);
    } catch (error) {
      read.faults.push((error as Error).message);
      return [];
    }
  });
}

/** By the rules of OpenTelemetry's specification, but that nothing is sent unless a variable says where. */
function readTracing(read: Reader): Config["tracing"] {
  const endpoints = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"].filter((name) => {
    const value = read.optional(name);
    if (value !== null && !/^https?:$/.test(URL.canParse(value) ? new URL(value).protocol : ""))
      read.faults.push(`${name} is no http or https URL. Set it to one such as http://127.0.0.1:4318.`);
    return value !== null;
  });
  const exporter = read.optional("OTEL_TRACES_EXPORTER");
  const isAsked = exporter === null ? endpoints.length > 0 : exporter !== "none";
  if (!isAsked || read.boolean("OTEL_SDK_DISABLED", false)) return null;
  const isNamed =
    read.optional("OTEL_SERVICE_NAME") !== null ||
    read.text("OTEL_RESOURCE_ATTRIBUTES", "").includes("service.name=");
  return { ...(!isNamed && { OTEL_SERVICE_NAME: "account-server" }), ...read.startingWith("OTEL_") };
}

function readRateLimits(read: Reader): Config["rateLimits"] {
  const value = read.text("RATE_LIMITS", "on");
  if (value === "off") return null;
  const maxima: Partial<Record<RateLimitName, number>> = {};
  for (const entry of value === "on" ? [] : value.split(",").map((text) => text.trim())) {
    const [, name, max] = /^([a-z-]+)=([1-9]\d{0,8})$/.exec(entry) ?? [];
    if (name !== undefined && name in RATE_LIMITS) maxima[name as RateLimitName] = Number(max);
    else
      read.faults.push(
        `RATE_LIMITS contains "${entry}". Set it to on, off, or new maxima separated by commas, such as mail-total=50000. ` +
          `The limits are ${Object.keys(RATE_LIMITS).join(", ")}.`,
      );
  }
  return maxima;
}

function readPeppers(read: Reader): Config["passwordPeppers"] {
  const value = read.optional("PASSWORD_PEPPER");
  if (value === null) return [];
  const fault = (what: string) => {
    // The value is a secret, so the fault does not quote it.
    read.faults.push(
      `PASSWORD_PEPPER ${what}. Set it to VERSION:KEY, such as "1:" and the output of \`openssl rand -base64 32\`; ` +
        "to change it, put the new one in front, such as 2:KEY,1:KEY.",
    );
  };
  const peppers = value.split(",").map((entry) => {
    const [, version = "", key = ""] = /^\s*([1-9]\d{0,8}):([A-Za-z0-9+/]+={0,2})\s*$/.exec(entry) ?? [];
    return { version: Number(version), key };
  });
  const malformed = peppers.findIndex(({ key }) => key === "");
  const short = peppers.find(({ key }) => key !== "" && Buffer.from(key, "base64").length < SECRET_MIN_BYTES);
  if (malformed >= 0) fault(`has no version and key in base64 at place ${malformed + 1}`);
  else if (short) {
    const bytes = Buffer.from(short.key, "base64").length;
    fault(`has a key of ${bytes} bytes for version ${short.version}; the least is ${SECRET_MIN_BYTES}`);
  } else if (new Set(peppers.map(({ version }) => version)).size < peppers.length)
    fault("has a version twice");
  return peppers;
}

function readPath(read: Reader, name: string): string | null {
  const path = read.optional(name);
  return path === null ? null : resolve(path);
}

function readPaths(read: Reader, name: string): string[] {
  const paths = (read.optional(name) ?? "").split(",").map((path) => path.trim());
  return paths.filter((path) => path !== "").map((path) => resolve(path));
}

function readRangeUrl(read: Reader): string | null {
  const value = read.optional("PASSWORD_RANGE_URL");
  if (value === null) return null;
  const url = URL.canParse(value) ? new URL(value) : null;
  const isLoopback = url !== null && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  const isSafe = url?.protocol === "https:" || (isLoopback && url.protocol === "http:");
  if (url === null || !isSafe || `${url.username}${url.password}${url.search}${url.hash}` !== "") {
    read.faults.push(
      "PASSWORD_RANGE_URL is no https URL without user name, query and fragment (or http on this machine). " +
        "Set it to one such as https://api.pwnedpasswords.com/range.",
    );
    return null;
  }
  return url.href.replace(/\/+$/, "");
}

function readSmtp(read: Reader): SmtpSettings | null {
  const isTls = read.boolean("MAIL_USE_SSL", false);
  const startTls = readStartTls(read);
  const port = read.integer("MAIL_PORT", isTls ? 465 : startTls === true ? 587 : 25, 1, 65535);
  const user = read.optional("MAIL_USERNAME");
  const pass = read.optional("MAIL_PASSWORD");
  if (isTls && startTls === true) {
    read.faults.push(
      "MAIL_USE_SSL and MAIL_USE_TLS are both set. Keep MAIL_USE_SSL for port 465, or MAIL_USE_TLS for port 587.",
    );
  } else if (startTls === true && port === 465) {
    read.faults.push(
      "MAIL_USE_TLS is set with MAIL_PORT=465, the port for implicit TLS. Set MAIL_USE_SSL instead.",
    );
  }
  if (pass !== null && user === null)
    read.faults.push("MAIL_PASSWORD is set without MAIL_USERNAME. Set both.");
  const host = read.optional("MAIL_SERVER");
  if (host === null) return null;
  const auth = user !== null && pass !== null ? { user, pass } : null;
  if (isTls || port === 465) return { host, port, security: "tls", auth };
  if (auth !== null && startTls === false) {
    read.faults.push(
      "MAIL_USE_TLS is false, but MAIL_PASSWORD needs TLS. Remove MAIL_USE_TLS, which then requires STARTTLS, or set it " +
        "to optional, which sends MAIL_PASSWORD in the clear if the SMTP server offers no STARTTLS.",
    );
  }
  // A man in the middle can hide the offer of STARTTLS, so credentials wait for no offer.
  const isRequired = startTls === true || (auth !== null && startTls !== "optional");
  return { host, port, security: isRequired ? "starttls" : "opportunistic", auth };
}

/** Null if unset. */
function readStartTls(read: Reader): boolean | "optional" | null {
  const value = read.optional("MAIL_USE_TLS");
  if (value === null) return null;
  return /^optional$/i.test(value) ? "optional" : read.boolean("MAIL_USE_TLS", false);
}

function readSenderAddress(read: Reader, isProduction: boolean): string {
  const isAddress = (value: string) => /^[^\s@<>"]+@[^\s@<>"]+$/.test(value);
  const address = read.optional("MAIL_DEFAULT_SENDER");
  if (address !== null && !isAddress(address)) {
    read.faults.push(
      `MAIL_DEFAULT_SENDER is "${address}". Set it to an email address without a name, such as accounts@example.com.`,
    );
  }
  const user = read.optional("MAIL_USERNAME");
  if (address === null && isProduction && !(user !== null && isAddress(user))) {
    read.faults.push(
      "MAIL_DEFAULT_SENDER is missing, and MAIL_USERNAME is not an email address. Set one of them to the sender's address.",
    );
  }
  return address ?? (user !== null && isAddress(user) ? user : "no-reply@localhost");
}

function readSubjects(read: Reader): Config["subjects"] {
  const registration = read.text("SUBJECT", "");
  const reset = read.text("SUBJECT_RESET", "");
  return { ...(registration && { registration }), ...(reset && { reset }) };
}

/** @param page the address of the web client's page, for the message */
function readLink(read: Reader, name: string, page: string, isProduction: boolean): string | null {
  const value = read.optional(name);
  if (value === null) return null;
  const protocol = URL.canParse(value) ? new URL(value).protocol : "";
  if (protocol !== "https:" && (isProduction || protocol !== "http:")) {
    const schemes = isProduction ? "an https" : "an http or https";
    read.faults.push(
      `${name} is "${value}". Set it to ${schemes} URL, such as https://app.example.com${page}.`,
    );
  }
  return value;
}

/** The web client's page at the host of CONFIRMATION_URI, so that most products need set no other link. */
function besideConfirmation(read: Reader, page: string): string | null {
  const confirmationUri = read.optional("CONFIRMATION_URI");
  // An invalid CONFIRMATION_URI is reported under its own name.
  if (confirmationUri === null || !/^https?:/.test(confirmationUri) || !URL.canParse(confirmationUri))
    return null;
  return new URL(page, confirmationUri).href;
}

function readProxies(read: Reader): string[] {
  const proxies = (read.optional("TRUSTED_PROXIES") ?? "").split(",").map((proxy) => proxy.trim());
  return proxies.filter((proxy) => {
    if (proxy === "") return false;
    const [address = "", bits, more] = proxy.split("/");
    const version = isIP(address);
    const isNetwork =
      bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
    if (version !== 0 && isNetwork && more === undefined) {
      if (Number(bits ?? 32) > 0) return true;
      read.faults.push(
        `TRUSTED_PROXIES contains "${proxy}", which trusts every client to say its own IP address. ` +
          "Set it to the addresses of your proxies, such as 127.0.0.1 or 10.0.0.0/8, separated by commas.",
      );
      return false;
    }
    read.faults.push(
      `TRUSTED_PROXIES contains "${proxy}". Set it to IP addresses or networks, such as 127.0.0.1 or 10.0.0.0/8, separated by commas.`,
    );
    return false;
  });
}

/** Null if unset. */
function readOrigins(read: Reader, isProduction: boolean): string[] | null {
  const origins = read
    .optional("CORS_ORIGINS")
    ?.split(",")
    .map((origin) => origin.trim());
  if (origins === undefined) return null;
  return origins.filter((origin) => {
    if (origin === "") return false;
    const fault = originFault(origin, isProduction);
    if (fault === undefined) return true;
    read.faults.push(`CORS_ORIGINS contains "${origin}"${fault}, separated by commas.`);
    return false;
  });
}

function readCorsHeaders(read: Reader): string[] {
  const names = (read.optional("CORS_HEADERS") ?? "").split(",").map((name) => name.trim().toLowerCase());
  return names.filter((name) => {
    if (name === "") return false;
    if (/^[!#$%&'+.^_`|~0-9a-z-]+$/.test(name)) return true; // RFC 9110, 5.6.2, without the * that stands for all headers
    read.faults.push(
      `CORS_HEADERS contains "${name}". Set it to names of headers, such as X-Tenant, separated by commas.`,
    );
    return false;
  });
}

function allOrigins(origins: readonly string[], applications: Config["applications"]): string[] {
  return [
    ...new Set([...origins, ...[...applications.values()].flatMap((application) => application.origins)]),
  ];
}

function requireForProduction(read: Reader, config: Config): void {
  const reason = "NODE_ENV=production";
  const missing = (name: string, advice: string) => {
    read.faults.push(`${name} is missing, but required with ${reason}. Set it to ${advice}.`);
  };
  if (config.databaseUrl === null) missing("DATABASE_URL", "postgresql://user:password@host:5432/database");
  if (config.smtp === null) missing("MAIL_SERVER", "the host name of your SMTP server");
  requireLinks(read, config, reason);
  if (config.jwtSecret === null) missing("JWT_SECRET", SECRET_ADVICE);
  else requireStrongSecret(read, config.jwtSecret);
}

const SECRET_ADVICE = `at least ${SECRET_MIN_BYTES} random bytes, such as the output of \`openssl rand -base64 48\``;

/** Refuses what was certainly not drawn at random. The message contains nothing of the secret. */
function requireStrongSecret(read: Reader, secret: string): void {
  const bytes = Buffer.from(secret);
  const isRepetition = [...bytes.keys()].some(
    (unit) => unit > 0 && unit <= bytes.length / 2 && bytes.subarray(unit).equals(bytes.subarray(0, -unit)),
  );
  const weakness =
    bytes.length < SECRET_MIN_BYTES
      ? `has ${bytes.length} bytes`
      : isRepetition
        ? "repeats one text"
        : new Set(bytes).size < SECRET_MIN_DISTINCT_BYTES
          ? `has only ${new Set(bytes).size} different bytes`
          : null;
  if (weakness !== null) read.faults.push(`${secretName(read)} ${weakness}. Set it to ${SECRET_ADVICE}.`);
}

function warnInProduction(read: Reader, config: Config): void {
  if (read.optional("HIDE_ACCOUNT_EXISTENCE") === null) {
    read.warnings.push(
      "HIDE_ACCOUNT_EXISTENCE is not set, so anybody can find out whether an email address has an account. " +
        "Set it to true, or to false if that is intended.",
    );
  }
  for (const [name, databaseUrl] of [
    [databaseUrlName(read), config.databaseUrl],
    ["DATABASE_DIRECT_URL", config.databaseDirectUrl],
    ...config.databaseReplicaUrls.map((url) => ["DATABASE_REPLICA_URLS", url] as const),
  ] as const) {
    const databaseHost = databaseUrl === null ? null : unsecuredHost(databaseUrl);
    if (databaseHost === null) continue;
    read.warnings.push(
      `${name} leads over the network to ${databaseHost} without a TLS certificate that is checked. ` +
        "Add the parameter sslmode=verify-full, and sslrootcert=FILE if the certificate is of a CA of your own.",
    );
  }
  const { smtp } = config;
  if (smtp?.security === "opportunistic" && !isLoopbackHost(smtp.host)) {
    read.warnings.push(
      `Emails with their links ${smtp.auth === null ? "" : "and MAIL_PASSWORD "}may go to ${smtp.host} in the clear. ` +
        "Set MAIL_USE_TLS=true, or MAIL_USE_SSL=true for port 465.",
    );
  }
}

function requireForWorkers(read: Reader, { workers, databaseUrl, jwtSecret, smtp }: Config): void {
  if (databaseUrl !== null && jwtSecret !== null && smtp !== null) return;
  read.faults.push(
    `WORKERS is ${workers}, but several processes cannot share an embedded PostgreSQL, a generated secret or a mailbox. ` +
      "Set DATABASE_URL, JWT_SECRET and MAIL_SERVER too, or WORKERS=1.",
  );
}

function requireLinks(read: Reader, config: Config, reason: string): void {
  const links = [
    ["CONFIRMATION_URI", config.confirmationUri, "that confirms accounts"],
    ["RESET_URI", config.resetUri, "that sets a new password"],
  ] as const;
  for (const [name, value, purpose] of links) {
    if (value === null)
      read.faults.push(`${name} is missing, but required with ${reason}. Set it to the page ${purpose}.`);
  }
}
