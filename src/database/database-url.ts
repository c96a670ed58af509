// Parses the URL of a database: of one host or several, and in the form that SQLAlchemy uses, too.
import { isIPv4 } from "node:net";

/** Of libpq's values of target_session_attrs. With several hosts, they mean the same here: the one that takes writes. */
const SESSIONS_THAT_WRITE = ["any", "read-write", "primary"];
/** The others of them, which ask for a replica, and `any`. */
const SESSIONS_THAT_READ = ["any", "read-only", "standby", "prefer-standby"];
const SCHEMES = ["postgres:", "postgresql:", "postgresql+psycopg2:"];

/**
 * Converts a database URL, which may be SQLAlchemy's, to the form that the driver takes.
 * @param name the name of the variable or option, for the message
 * @throws {Error} a message without the value, which may contain a password
 */
export function parseDatabaseUrl(name: string, value: string): string {
  const url = parseUrl(name, value);
  const wanted = parametersOf(url).get("target_session_attrs");
  if (wanted !== null && !SESSIONS_THAT_WRITE.includes(wanted))
    throw new Error(
      `${name} has target_session_attrs=${wanted}, but the server writes. Set it to read-write, or leave it out.`,
    );
  return url;
}

/**
 * The same for the URL of one replica.
 * @throws {Error} a message without the value
 */
export function parseReplicaUrl(name: string, value: string): string {
  const url = parseUrl(name, value);
  // A comma after the host: the next URL, of which the beginning is missing.
  if (urlsOfHosts(url).length > 1 || new URL(url).pathname.includes(","))
    throw new Error(
      `${name} has several hosts in one URL. Write a whole URL for each replica, separated by commas, so that the server knows which ` +
        "of them it asks.",
    );
  const wanted = parametersOf(url).get("target_session_attrs");
  if (wanted !== null && !SESSIONS_THAT_READ.includes(wanted))
    throw new Error(`${name} has target_session_attrs=${wanted}, but replicas take no writes. Leave it out.`);
  return url;
}

function parseUrl(name: string, value: string): string {
  const scheme = /^[^:/]*:/.exec(value)?.[0].toLowerCase() ?? "";
  if (!SCHEMES.includes(scheme)) {
    throw new Error(
      `${name} has the scheme "${scheme.replace(":", "")}". Only PostgreSQL is supported, ` +
        "as in postgresql://user:password@host:5432/database.",
    );
  }
  const url = value.replace(/^[^:]+:/, "postgresql:");
  if (!isDatabaseUrl(url)) {
    throw new Error(
      `${name} is not a valid URL. Set it to postgresql://user:password@host:5432/database, ` +
        "with special characters in the password percent-encoded (% as %25).",
    );
  }
  if (parametersOf(url).get("host")?.includes(","))
    throw new Error(
      `${name} lists several hosts in a parameter. List them before the path, as in ` +
        "postgresql://USER@host1:5432,host2:5432/DATABASE.",
    );
  return url;
}

const parametersOf = (url: string) => new URL(urlsOfHosts(url)[0] ?? url).searchParams;

/** Checks that each part can be decoded, because the driver would throw an error that quotes it. */
function isDatabaseUrl(databaseUrl: string): boolean {
  const urls = urlsOfHosts(databaseUrl);
  return urls.every((text) => {
    try {
      const { username, password, hostname, pathname } = new URL(text);
      for (const part of [username, password, hostname, pathname]) decodeURIComponent(part);
      return pathname.length > 1 && (urls.length === 1 || hostname !== "");
    } catch {
      return false;
    }
  });
}

/** The URL of each host, in order: postgresql://user@host1:5432,host2:5432/database has two. */
export function urlsOfHosts(databaseUrl: string): string[] {
  const [, before = "", hosts = "", after = ""] =
    /^(postgresql:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/.exec(databaseUrl) ?? [];
  return hosts.split(",").map((host) => `${before}${host}${after}`);
}

/** For messages: `accounts at host1:5432, host2:5432`. */
export function placeOf(databaseUrl: string): string {
  const urls = urlsOfHosts(databaseUrl).map((url) => new URL(url));
  return `${urls[0]?.pathname.slice(1)} at ${urls.map(({ host }) => host).join(", ")}`;
}

/**
 * The first host that a connection leads to over a network without checking the server's certificate; null if the connection
 * stays on this machine or is secured. Of the values of sslmode, `require` does not count: what it checks depends on the
 * driver's version.
 */
export function unsecuredHost(databaseUrl: string): string | null {
  if (!isDatabaseUrl(databaseUrl)) return null; // reported as a fault
  for (const url of urlsOfHosts(databaseUrl)) {
    const { hostname, searchParams } = new URL(url);
    const host = searchParams.get("host") ?? decodeURIComponent(hostname);
    const isHere = host === "" || host.startsWith("/") || isLoopbackHost(host);
    const isChecked = ["verify-full", "verify-ca"].includes(searchParams.get("sslmode") ?? "");
    if (!isHere && !isChecked) return host;
  }
  return null;
}

export function isLoopbackHost(host: string): boolean {
  return (
    host === "localhost" || host === "::1" || host === "[::1]" || (isIPv4(host) && host.startsWith("127."))
  );
}
