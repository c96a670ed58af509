// The servers that are compared. Each is started, loaded with accounts and restarted, as it would be in use. All share one
// PostgreSQL and one SMTP server.
import { setTimeout as sleep } from "node:timers/promises";

import type { Contender, HttpAnswer, HttpRequest, Operation, Person } from "./contender.ts";
import { floor } from "./contenders/floor.ts";
import { loadAccounts } from "./loading.ts";
import { person } from "./people.ts";
import type { Postgres } from "./postgres.ts";
import { freePort, ServerProcess, type ResidentMb } from "./server-process.ts";
import type { SmtpSink } from "./smtp-sink.ts";

/** Time for a server to finish its work after the start. */
const SETTLES_MS = 5_000;

export class Running {
  readonly contender: Contender;
  readonly server: ServerProcess;
  readonly databaseUrl: string;
  readonly accounts: number;
  #turn = 0;

  constructor(contender: Contender, server: ServerProcess, databaseUrl: string, accounts: number) {
    this.contender = contender;
    this.server = server;
    this.databaseUrl = databaseUrl;
    this.accounts = accounts;
  }

  /** One of the loaded users. No user is returned again before all have been returned. */
  somebody(): Person {
    // The step is coprime to every count, so it visits all users, scattered over the table.
    this.#turn += 1;
    return person(1 + ((this.#turn * 7_919) % this.accounts));
  }

  /** Returns the last so many users once more. */
  rewind(count: number): void {
    this.#turn -= count;
  }

  /** @throws {Error} if the answer is not a success */
  async ask(operation: Operation, request: HttpRequest): Promise<HttpAnswer> {
    const answer = await this.server.ask(request);
    this.contender.check(operation, answer);
    return answer;
  }

  /** Logs a user in, and returns what `me` needs. */
  async signIn(): Promise<string> {
    const { email, password } = this.somebody();
    const answer = await this.ask("login", this.contender.requests.login(email, password));
    return this.contender.credentialOf(answer);
  }
}

export interface Stage {
  readonly accounts: number;
  /** The account server first. */
  readonly running: readonly Running[];
  readonly floor: ServerProcess;
  /** By server, in milliseconds and MB. */
  readonly startMs: Readonly<Record<string, number>>;
  readonly idleMb: Readonly<Record<string, ResidentMb>>;
  stop(): Promise<void>;
}

export async function openStage(options: {
  contenders: readonly Contender[];
  accounts: number;
  postgres: Postgres;
  sink: SmtpSink;
}): Promise<Stage> {
  const { contenders, accounts, postgres, sink } = options;
  const opened = new AsyncDisposableStack();
  try {
    const running: Running[] = [];
    for (const contender of contenders) {
      const databaseUrl = await postgres.createDatabase(`${contender.name.replaceAll("-", "_")}_${accounts}`);
      await (await start(contender, databaseUrl, sink)).stop();
      await loadAccounts(contender, databaseUrl, accounts);
      const server = await start(contender, databaseUrl, sink);
      opened.defer(() => server.stop());
      running.push(new Running(contender, server, databaseUrl, accounts));
    }
    const port = await freePort();
    const bare = await ServerProcess.start(
      floor.program({ databaseUrl: running[0]!.databaseUrl, port }),
      port,
    );
    opened.defer(() => bare.stop());

    await sleep(SETTLES_MS);
    const idleMb: Record<string, ResidentMb> = { floor: await bare.residentMb() };
    const startMs: Record<string, number> = { floor: bare.readyAfterMs };
    for (const { contender, server } of running) {
      idleMb[contender.name] = await server.residentMb();
      startMs[contender.name] = server.readyAfterMs;
    }
    return { accounts, running, floor: bare, startMs, idleMb, stop: () => opened.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

/** What differs from a server as it is measured otherwise. */
export interface Variant {
  readonly workers?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export async function start(
  contender: Contender,
  databaseUrl: string,
  sink: SmtpSink,
  { workers = 1, env = {} }: Variant = {},
): Promise<ServerProcess> {
  const port = await freePort();
  const program = contender.program({ databaseUrl, smtpPort: sink.port, port, workers });
  return ServerProcess.start({ ...program, env: { ...program.env, ...env } }, port);
}
