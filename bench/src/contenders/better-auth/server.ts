// Better Auth behind node:http, set up for production as in its documentation.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { bearer } from "better-auth/plugins";
import { createTransport } from "nodemailer";
import { Pool } from "pg";

import { isReady, serve } from "../cluster.ts";
import { hashPassword, verifyPassword } from "../passwords.ts";
import { givenSurroundings } from "../program.ts";
import { accountMail } from "./mail.ts";

const { databaseUrl, smtpPort, port, workers } = givenSurroundings();
const mails = createTransport({ pool: true, host: "127.0.0.1", port: smtpPort });

const auth = betterAuth({
  baseURL: `http://127.0.0.1:${port}`,
  trustedOrigins: ["http://app.test"],
  // The same in all processes. It protects nothing secret here.
  secret: createHash("sha256").update("better-auth").digest("base64"),
  database: new Pool({ connectionString: databaseUrl }),
  advanced: { database: { joins: true } },
  plugins: [bearer()],
  emailAndPassword: {
    enabled: true,
    requireEmailVerification: true,
    password: { hash: hashPassword, verify: ({ hash, password }) => verifyPassword(hash, password) },
    sendResetPassword: ({ user, token }) =>
      send(user.email, {
        name: user.name,
        subject: "Choose a new password",
        request: "You can choose a new password here",
        button: "Choose password",
        ignore: "Did you not ask for this? Then ignore this mail: your password stays as it is.",
        link: `http://app.test/finalize?token=${token}`,
      }),
  },
  emailVerification: {
    sendVerificationEmail: ({ user, token }) =>
      send(user.email, {
        name: user.name,
        subject: "Confirm your email address",
        request: "One step is left before you can use your account",
        button: "Confirm account",
        ignore:
          "Did you not register? Then ignore this mail: without the link, the account is never activated.",
        link: `http://app.test/finalize?token=${token}`,
      }),
  },
  // All requests of the load generator come from the same IP address.
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
});

/** Not awaited, as the documentation recommends, because the response time must not reveal who has an account. */
function send(to: string, content: Parameters<typeof accountMail>[0]): Promise<void> {
  mails.sendMail({ from: "accounts@app.test", to, ...accountMail(content) }).catch(console.error);
  return Promise.resolve();
}

await serve(workers, {
  async prepare() {
    const { runMigrations } = await getMigrations(auth.options);
    await runMigrations();
  },
  async listen() {
    const handle = toNodeHandler(auth);
    const server = createServer((request, response) => {
      if (isReady()) void handle(request, response);
      else response.writeHead(503).end();
    });
    await once(server.listen(port, "127.0.0.1"), "listening");
  },
});
