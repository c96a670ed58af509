// Parses the URL of a database, including the form that SQLAlchemy uses.
import { isIPv4 } from "node:net";

const SCHEMES = ["postgres:", "postgresql:", "postgresql+psycopg2:"];

/**
 * Converts a database URL, which may be SQLAlchemy's, to the form that the driver takes.
 * @param name the name of the variable or option, for the message
 * @throws {Error} a message without the value, which may contain a password
 */
export function parseDatabaseUrl(name: string, value: string): string {
  const scheme = /^[^:/]*:/.exec(value)?.[0].toLowerCase() ?? "";
  if (!SCHEMES.includes(scheme)) {
    throw new Error(
      `${name} has the scheme "${scheme.replace(":", "")}". Only PostgreSQL is supported, ` +
        "as in postgresql://user:password@host:5432/database.",
    );
  }
  if (!isDatabaseUrl(value)) {
    throw new Error(
      `${name} is not a valid URL. Set it to postgresql://user:password@host:5432/database, ` +
        "with special characters in the password percent-encoded (% as %25).",
    );
  }
  return value.replace(/^[^:]+:/, "postgresql:");
}

/** Checks that each part can be decoded, because the driver would throw an error that quotes it. */
function isDatabaseUrl(value: string): boolean {
  try {
    const { username, password, hostname, pathname } = new URL(value);
    for (const part of [username, password, hostname, pathname]) decodeURIComponent(part);
    return pathname.length > 1;
  } catch {
    return false;
  }
}

/**
 * The host that the connection leads to over a network without checking the server's certificate; null if the connection
 * stays on this machine or is secured. Of the values of sslmode, `require` does not count: what it checks depends on the
 * driver's version.
 */
export function unsecuredHost(databaseUrl: string): string | null {
  if (!isDatabaseUrl(databaseUrl)) return null; // reported as a fault
  const { hostname, searchParams } = new URL(databaseUrl);
  const host = searchParams.get("host") ?? decodeURIComponent(hostname);
  const isHere = host === "" || host.startsWith("/") || isLoopbackHost(host);
  const isChecked = ["verify-full", "verify-ca"].includes(searchParams.get("sslmode") ?? "");
  return isHere || isChecked ? null : host;
}

export function isLoopbackHost(host: string): boolean {
  return (
    host === "localhost" || host === "::1" || host === "[::1]" || (isIPv4(host) && host.startsWith("127."))
  );
}
