// Parses the URL of a database, including the form that SQLAlchemy uses.

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
    const { username, password, pathname } = new URL(value);
    for (const part of [username, password, pathname]) decodeURIComponent(part);
    return pathname.length > 1;
  } catch {
    return false;
  }
}
