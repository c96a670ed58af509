// Knows whether the database does what serving needs: for /readyz, and to tell an outage from a fault of the server.
import { setTimeout as delay } from "node:timers/promises";

import type { EntityManager } from "@mikro-orm/postgresql";

import { loggableError, type Logger } from "../log.ts";
import { READ_ONLY } from "./driver.ts";
import type { Orm } from "./orm.ts";
import { Outage } from "./outage.ts";

const ANSWERS_WITHIN_MS = 2_000;
/** PostgreSQL's code for a role that may not create temporary tables. */
const INSUFFICIENT_PRIVILEGE = "42501";

/** PostgreSQL's error codes (appendix A of its manual) for a database that cannot serve now, whatever the statement. */
const SQLSTATES = [
  /^08/, // the connection
  /^53/, // too many connections, disk full, out of memory
  /^57P0/, // shut down, starting, or ended by an administrator
  /^58/, // input and output
  /^25006$/, // read-only
  /^25P03$/, // idle in a transaction for too long
  /^55P03$/, // a lock that is not released
  /^57014$/, // a statement that took too long
];
/** Node's codes for a server that cannot be reached. */
const UNREACHABLE =
  /^(ECONN(REFUSED|RESET|ABORTED)|E(HOST|NET)(UNREACH|DOWN)|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN)$/;
/** The driver's own errors, which have no code. */
const LOST =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client (was closed|has encountered a connection error))/;

/** Whether an error comes from a database that is away, read-only, full or locked, not from what it was asked. */
function isOutage(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  // Not only instances of Error: pg-boss reports copies.
  const { code, severity, message } = error as { code?: unknown; severity?: unknown; message?: unknown };
  if (severity === "FATAL" || severity === "PANIC") return true; // it has ended the connection
  if (typeof code !== "string") return LOST.test(String(message));
  return UNREACHABLE.test(code) || SQLSTATES.some((state) => state.test(code));
}

/** Whether it may be enough to wait for a database that starts at the same time, as containers do. */
export function mayCome(error: unknown): boolean {
  // Not for a wrong password or name, which end the connection, too.
  return isOutage(error) && !/^(28|3D)/.test(String((error as { code?: unknown }).code));
}

/** Is told when an outage begins, and when it is over. */
export interface OutageObserver {
  outage(isOut: boolean): void;
}

export class DatabaseHealth {
  readonly #orm: Orm;
  readonly #outage: Outage;
  #checking: Promise<string | null> | undefined;
  /** How many requests the outage has refused. */
  #refused = 0;

  constructor(orm: Orm, log: Pick<Logger, "error" | "info">, observer?: OutageObserver) {
    this.#orm = orm;
    this.#outage = new Outage({
      check: () => this.#check(),
      begins: (reason) => {
        this.#refused = 0;
        log.error({ reason }, "the database cannot serve: what needs it is answered SERVICE_UNAVAILABLE");
        observer?.outage(true);
      },
      ends: (seconds) => {
        observer?.outage(false);
        log.info({ seconds, refused: this.#refused }, "the database serves again");
      },
    });
  }

  /**
   * Whether an error comes from an outage. The log tells of its begin and its end, and of nothing in between: it concerns every
   * request.
   */
  isOutage(error: unknown): boolean {
    if (!isOutage(error)) return false;
    this.#outage.noticed(reasonOf(error));
    this.#refused += 1;
    return true;
  }

  /** Whether requests can be served. */
  async isReady(): Promise<boolean> {
    const fault = await this.#check();
    if (fault !== null) this.#outage.noticed(fault);
    return fault === null;
  }

  stop(): void {
    this.#outage.stop();
  }

  /** What is wrong, or null. Concurrent calls share one check, so that a silent database does not exhaust the connection pool. */
  #check(): Promise<string | null> {
    this.#checking ??= this.#ask()
      .catch(reasonOf)
      .finally(() => {
        this.#checking = undefined;
      });
    return Promise.race([this.#checking, delay(ANSWERS_WITHIN_MS, "it does not answer", { ref: false })]);
  }

  async #ask(): Promise<string | null> {
    const em = this.#orm.em.fork();
    const [row] = await em.execute<{ readonly: boolean }[]>(READ_ONLY);
    if (row?.readonly) return "it is read-only";
    if (this.#outage.isUnderWay) await takePage(em);
    return null;
  }
}

/** What is wrong, in PostgreSQL's words. */
export const reasonOf = (error: unknown) => String(loggableError(error)["message"]);

/** A disk may still be full for whatever needs a new page, so this takes one, and gives it back. */
async function takePage(em: EntityManager): Promise<void> {
  try {
    await em.transactional((tx) =>
      tx.execute("create temporary table outage on commit drop as select repeat('x', 1000) as filler"),
    );
  } catch (error) {
    if ((error as { code?: unknown }).code !== INSUFFICIENT_PRIVILEGE) throw error;
  }
}
