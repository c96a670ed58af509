// Real servers in processes of their own over one database, with all the parts that can crash.
import { setTimeout as delay } from "node:timers/promises";

import pg from "pg";
import { inject, onTestFinished, expect } from "vitest";

import type { GraphQLDoor } from "../../support/graphql.ts";
import { createDatabase, startPostgres } from "../../support/postgres.ts";
import { startProcess, type ServerProcess } from "../../support/process.ts";
import { PASSWORD } from "../../support/server.ts";
import { SmtpCatcher, tokenIn } from "../../support/smtp.ts";

/** `connections`: all of them are ended. `database`: PostgreSQL recovers from a crash. `freeze`: a server stands still for a while. */
export const PARTS = ["server", "hashing", "connections", "freeze", "database"] as const;
export type Part = (typeof PARTS)[number];

const FROZEN_MS = 500;

export class Site {
  readonly smtp: SmtpCatcher;
  readonly #env: Record<string, string>;
  /** Kept open, because it is asked after every few steps. */
  readonly #database: pg.Pool;
  readonly #servers: { process: ServerProcess; door: GraphQLDoor }[] = [];
  /** Those that were killed, too. */
  readonly #processes: ServerProcess[] = [];
  #adminToken = "";

  private constructor(databaseUrl: string, smtp: SmtpCatcher) {
    this.smtp = smtp;
    this.#database = new pg.Pool({ connectionString: databaseUrl });
    this.#database.on("error", () => undefined); // a crash ends them, too
    onTestFinished(() => this.#database.end());
    this.#env = {
      DATABASE_URL: databaseUrl,
      JWT_SECRET: "a secret of this test, at least 32 bytes long",
      MAIL_SERVER: "127.0.0.1",
      MAIL_PORT: String(smtp.port),
      RATE_LIMITS: "off",
      ACCESS_TOKEN_MINUTES: "1000",
      LOG_LEVEL: "error",
    };
  }

  /** @param hasOwnDatabase whether the database can crash, which ends the connections of all who share it */
  static async open({
    servers,
    hasOwnDatabase,
  }: {
    servers: number;
    hasOwnDatabase: boolean;
  }): Promise<Site> {
    const smtp = await SmtpCatcher.start();
    onTestFinished(() => smtp.close());
    const site = new Site(
      hasOwnDatabase ? await ownPostgres() : await createDatabase(inject("postgresUrl")),
      smtp,
    );
    for (let index = 0; index < servers; index += 1) await site.#start(index);

    const door = site.door(0);
    door.succeed(await door.register(ROOT));
    const token = tokenIn(await smtp.mailTo(ROOT.email));
    site.#adminToken = door.succeed(await door.finalizeRegistration({ token })).accessToken;
    await site.#query("update accounts.users set roles = '{USER,ADMIN}'");
    return site;
  }

  /** One server or another, by the number of an operation. */
  door(number: number): GraphQLDoor {
    return this.#servers[number % this.#servers.length]!.door;
  }

  adminDoor(number: number): GraphQLDoor {
    return this.door(number).as(this.#adminToken);
  }

  /** For an administrator who is asked for the password. */
  async confirmAdmin(number: number): Promise<void> {
    await this.adminDoor(number).confirmPassword(ROOT);
  }

  /** Crashes a part of one of the servers. Resolves once it is there again. */
  async crash(part: Part, number: number): Promise<void> {
    const index = number % this.#servers.length;
    const { process: server } = this.#servers[index]!;
    switch (part) {
      case "server":
        await server.end("SIGKILL");
        return this.#start(index);
      case "hashing":
        for (const pid of server.children("hashing-process")) kill(pid);
        return;
      case "freeze":
        server.child.kill("SIGSTOP");
        await delay(FROZEN_MS);
        server.child.kill("SIGCONT");
        return;
      case "connections":
        await this.#backends("select pg_terminate_backend(pid)");
        return;
      case "database": {
        // PostgreSQL ends all connections, and recovers from its write-ahead log.
        const [backend] = await this.#backends<{ pid: number }>("select pid");
        if (backend) kill(backend.pid);
        await expect.poll(() => this.#query("select 1").catch(() => null)).not.toBeNull();
      }
    }
  }

  /** Resolves once each mail that has been asked for is sent, or dropped because it was out of date. */
  async mailsSettled(): Promise<void> {
    let now: string | undefined;
    const waiting = async () => {
      now ??= (await this.#query<{ now: string }>("select now()::text"))[0]!.now;
      const jobs =
        "select id from accounts_queue.job where name = 'mail' and state <> 'completed' and created_on <= $1";
      return this.#query(jobs, [now]);
    };
    await expect.poll(() => waiting().catch(() => null)).toEqual([]);
  }

  /** What the servers have logged about an unexpected error. */
  logged(id: string): string {
    const logs = this.#processes.map(({ output }) => output.split(id)[1] ?? "");
    return logs.map((log) => log.slice(0, 1_000)).join("");
  }

  /** What `npm run account -- verify` says. */
  async verify(): Promise<string> {
    const command = await startProcess({ env: this.#env, script: "dist/bin/account.js", args: ["verify"] });
    await command.exited();
    return command.output;
  }

  async #query<Row = unknown>(sql: string, values: unknown[] = []): Promise<Row[]> {
    const { rows } = await this.#database.query(sql, values);
    return rows as Row[];
  }

  async #start(index: number): Promise<void> {
    const server = await startProcess({ env: this.#env });
    this.#processes.push(server);
    this.#servers[index] = { process: server, door: await server.ready() };
  }

  /** As soon as the database answers: it may be recovering from the last crash. */
  async #backends<Row>(what: string): Promise<Row[]> {
    let rows: Row[] | null = null;
    const ask = `${what} from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
    const asked = async () => (rows = await this.#query<Row>(ask).catch(() => null));
    await expect.poll(asked).not.toBeNull();
    return rows!;
  }
}

const ROOT = { username: "root-admin", email: "root@example.com", password: PASSWORD };

/** It may have ended meanwhile. */
function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function ownPostgres(): Promise<string> {
  const postgres = await startPostgres();
  onTestFinished(async () => {
    await postgres.stop();
    await postgres.remove();
  });
  return postgres.databaseUrl;
}
