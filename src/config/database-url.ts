// The URL of a database, also as SQLAlchemy writes it.

const SCHEMES = ["postgres:", "postgresql:", "postgresql+psycopg2:"];

/**
 * The URL as the driver takes it, of one that may be SQLAlchemy's.
 * @param name of the setting, for the message
 * @throws {Error} one sentence without the value, which may hold a password
 */
export function parseDatabaseUrl(name: string, value: string): string {
  const scheme = /^[^:/]*:/.exec(value)?.[0].toLowerCase() ?? "";
  if (!SCHEMES.includes(scheme)) {
    throw new Error(
      `${name} has the scheme "${scheme.replace(":", "")}": only PostgreSQL is supported, ` +
        "as in postgresql://user:password@host:5432/database.",
    );
  }
  if (!isDatabaseUrl(value)) {
    throw new Error(
      `${name} cannot be read: give postgresql://user:password@host:5432/database, ` +
        "with % in the password written as %25, and so on.",
    );
  }
  return value.replace(/^[^:]+:/, "postgresql:");
}

/** The driver decodes each part, and would throw an error that quotes it. */
function isDatabaseUrl(value: string): boolean {
  try {
    const { username, password, pathname } = new URL(value);
    for (const part of [username, password, pathname]) decodeURIComponent(part);
    return pathname.length > 1;
  } catch {
    return false;
  }
}
