// Makes the secrets of an installation by compose.yaml, once: passwords in a volume, where the server finds them as its file .env.
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, renameSync, writeFileSync } from "node:fs";

process.chdir("/run/account-server");
if (!existsSync(".env")) {
  const password = randomBytes(24).toString("base64url");
  writeFileSync("postgres-password", password);
  writeFileSync("userlist.txt", `"accounts" "${password}"\n`); // PgBouncer's
  const secrets = {
    DATABASE_URL: `postgresql://accounts:${password}@pgbouncer:6432/accounts`,
    DATABASE_DIRECT_URL: `postgresql://accounts:${password}@postgres:5432/accounts`,
    JWT_SECRET: randomBytes(48).toString("base64"),
  };
  // Last and at once, so that what was interrupted is made anew.
  const lines = Object.entries(secrets).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(".env.new", lines.join(""), { mode: 0o400 });
  chownSync(".env.new", 65532, 65532);
  renameSync(".env.new", ".env");
}
