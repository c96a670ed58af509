// Vendure set up for production as in its documentation, without what a shop needs in addition to accounts.
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
// By default, a process sends one email every 200 ms, but registrations are faster.
const jobQueuePlugin = DefaultJobQueuePlugin.init({ concurrency: 20 });

/** Includes the tables for starting with any number of processes. */
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
  // Several processes must share the session cache. A single process keeps it in memory.
  plugins: [jobQueuePlugin, emailPlugin, ...(workers > 1 ? [DefaultCachePlugin] : [])],
};
