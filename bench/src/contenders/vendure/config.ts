// Vendure as its documentation sets it up for production, less what a shop needs beside accounts.
import { fileURLToPath } from "node:url";

import {
  DefaultCachePlugin,
  DefaultJobQueuePlugin,
  type PasswordHashingStrategy,
  type VendureConfig,
} from "@vendure/core";
import {
  defaultEmailHandlers,
  type EmailEventHandler,
  EmailPlugin,
  FileBasedTemplateLoader,
} from "@vendure/email-plugin";

import { isReady } from "../cluster.ts";
import { hashPassword, verifyPassword } from "../passwords.ts";
import { givenSurroundings } from "../program.ts";

class Argon2Strategy implements PasswordHashingStrategy {
  hash(password: string): Promise<string> {
    return hashPassword(password);
  }
  check(password: string, hash: string): Promise<boolean> {
    return verifyPassword(hash, password);
  }
}

const { databaseUrl, smtpPort, port, workers } = givenSurroundings();
const emailPlugin = EmailPlugin.init({
  handlers: defaultEmailHandlers as EmailEventHandler[],
  templateLoader: new FileBasedTemplateLoader(
    fileURLToPath(new URL("templates", import.meta.resolve("@vendure/email-plugin/package.json"))),
  ),
  transport: { type: "smtp", host: "127.0.0.1", port: smtpPort, pool: true },
  globalTemplateVars: {
    fromAddress: "accounts@app.test",
    verifyEmailAddressUrl: "http://app.test/finalize",
    passwordResetUrl: "http://app.test/finalize",
  },
});
// A process sends one mail in 200 ms by default: registrations are faster than that.
const jobQueuePlugin = DefaultJobQueuePlugin.init({ concurrency: 20 });

/** With the tables of everything that a start with any number of processes uses. */
export const setupConfig: VendureConfig = {
  apiOptions: {
    hostname: "127.0.0.1",
    port: 0,
    introspection: false,
    cors: { origin: ["http://app.test"] },
    middleware: [
      {
        route: "/health",
        beforeListen: true,
        handler: (_request: unknown, response: { sendStatus(status: number): void }, next: () => void) =>
          isReady() ? next() : response.sendStatus(503),
      },
    ],
  },
  authOptions: {
    tokenMethod: ["bearer"],
    requireVerification: true,
    passwordHashingStrategy: new Argon2Strategy(),
    superadminCredentials: { identifier: "admin", password: "not the default one" },
  },
  dbConnectionOptions: { type: "postgres", url: databaseUrl, synchronize: true },
  paymentOptions: { paymentMethodHandlers: [] },
  plugins: [jobQueuePlugin, emailPlugin, DefaultCachePlugin],
};

export const config: VendureConfig = {
  ...setupConfig,
  apiOptions: { ...setupConfig.apiOptions, port },
  dbConnectionOptions: { ...setupConfig.dbConnectionOptions, synchronize: false },
  // Several processes must share the cache of sessions; a single one keeps it in memory.
  plugins: [jobQueuePlugin, emailPlugin, ...(workers > 1 ? [DefaultCachePlugin] : [])],
};
