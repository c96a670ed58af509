// The servers that are measured side by side: each started, filled with accounts, and restarted as it would be found in
// use, on one PostgreSQL and before one SMTP server.
import { setTimeout as sleep } from "node:timers/promises";

import type { Contender, HttpAnswer, HttpRequest, Operation, Person } from "./contender.ts";
import { floor } from "./contenders/floor.ts";
import { loadAccounts } from "./loading.ts";
import { person } from "./people.ts";
import type { Postgres } from "./postgres.ts";
import { freePort, ServerProcess, type ResidentMb } from "./server-process.ts";
import type { SmtpSink } from "./smtp-sink.ts";

/** Until what a server does after its start is done. */
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

  /** Somebody of those who are loaded; nobody comes twice before all have come. */
  somebody(): Person {
    // A step that shares no factor with any of the counts scatters them over the table.
    this.#turn += 1;
    return person(1 + ((this.#turn * 7_919) % this.accounts));
  }

  /** @throws {Error} unless the answer is that of a success */
  async ask(operation: Operation, request: HttpRequest): Promise<HttpAnswer> {
    const answer = await this.server.ask(request);
    this.contender.check(operation, answer);
    return answer;
  }

  /** Logs somebody in, and returns what `me` needs. */
  async signIn(): Promise<string> {
    const { email, password } = this.somebody();
    const answer = await this.ask("login", this.contender.requests.login(email, password));
    return this.contender.credentialOf(answer);
  }
}

export interface Stage {
  readonly accounts: number;
  /** Ours first. */
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

export async function start(
  contender: Contender,
  databaseUrl: string,
  sink: SmtpSink,
  workers = 1,
): Promise<ServerProcess> {
  const port = await freePort();
  return ServerProcess.start(contender.program({ databaseUrl, smtpPort: sink.port, port, workers }), port);
}
