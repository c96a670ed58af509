// Connections to one SMTP server: at most so many at once, each for one email at a time, in the order of asking.
import { MailFailure } from "./failure.ts";

export interface PooledConnection {
  /** False once either side has closed it. */
  readonly isOpen: boolean;
  close(): void;
}

/** What pools of the same SMTP server share. */
export interface Gate {
  /** Why no connection can be had. While it is there, nobody tries: who has not heard of it yet would log in once more. */
  failure: MailFailure | null;
}

export interface ConnectionPoolOptions<Connection> {
  readonly max: number;
  readonly gate: Gate;
  /** @throws {MailFailure} if no connection can be had */
  readonly open: () => Promise<Connection>;
}

/** A relay that allows fewer connections than `max` is taken at its word for this long. */
const FEWER_FOR_MS = 60_000;
/** Shorter than what SMTP servers allow (RFC 5321: five minutes). */
const IDLE_MS = 30_000;

export class ConnectionPool<Connection extends PooledConnection> {
  readonly #options: ConnectionPoolOptions<Connection>;
  readonly #idle: { connection: Connection; timer: NodeJS.Timeout }[] = [];
  readonly #waiting: PromiseWithResolvers<undefined>[] = [];
  #max: number;
  #fewerUntil = 0;
  /** Places taken, by connections in use and by those being opened. */
  #taken = 0;
  #inUse = 0;
  #opening: Promise<Connection> | undefined;
  #isClosed = false;

  constructor(options: ConnectionPoolOptions<Connection>) {
    this.#options = options;
    this.#max = options.max;
  }

  /**
   * An open connection, as soon as there is one. `release`, `discard` or `detach` gives its place to the next.
   * @throws {MailFailure} `outage` to everybody who waits, if a connection is not to be had; `stopped` after `close`
   */
  async acquire(): Promise<{ connection: Connection; isReused: boolean }> {
    for (;;) {
      await this.#place();
      const { failure } = this.#options.gate;
      if (failure) {
        this.#leave();
        throw failure;
      }
      try {
        // The first one alone: five logins with a password that is refused may lock the account.
        if (this.#inUse === 0) await this.#opening;
        const idle = this.#takeIdle();
        if (idle) {
          this.#inUse += 1;
          return { connection: idle, isReused: true };
        }
        const opening = this.#options.open();
        this.#opening = opening;
        const connection = await opening.finally(() => {
          if (this.#opening === opening) this.#opening = undefined;
        });
        this.#inUse += 1;
        return { connection, isReused: false };
      } catch (error) {
        // Other connections serve, so the relay only wants fewer of them.
        const wantsFewer = this.#inUse > 0;
        if (wantsFewer) {
          this.#max = this.#inUse;
          this.#fewerUntil = Date.now() + FEWER_FOR_MS;
        }
        this.#leave();
        if (wantsFewer) continue;
        this.#options.gate.failure = error as MailFailure;
        for (const { reject } of this.#waiting.splice(0)) reject(error);
        throw error;
      }
    }
  }

  /** Keeps the connection for another email. */
  release(connection: Connection): void {
    if (!connection.isOpen || this.#isClosed) {
      this.discard(connection);
      return;
    }
    const timer = setTimeout(() => {
      this.#idle.splice(
        this.#idle.findIndex((idle) => idle.connection === connection),
        1,
      );
      connection.close();
    }, IDLE_MS);
    timer.unref();
    this.#idle.push({ connection, timer });
    this.detach();
  }

  discard(connection: Connection): void {
    connection.close();
    this.detach();
  }

  /** The place of a connection that is in use goes to another; its owner closes it. */
  detach(): void {
    this.#inUse -= 1;
    this.#leave();
  }

  /** Turns away who waits, and closes what is idle. Connections in use stay. */
  close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(stopped());
    for (const { connection, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      connection.close();
    }
  }

  async #place(): Promise<void> {
    if (this.#isClosed) throw stopped();
    if (this.#fewerUntil < Date.now()) this.#max = this.#options.max;
    if (this.#taken < this.#max) {
      this.#taken += 1;
      return;
    }
    const place = Promise.withResolvers<undefined>();
    this.#waiting.push(place);
    await place.promise;
  }

  #leave(): void {
    this.#taken -= 1;
    if (this.#fewerUntil < Date.now()) this.#max = this.#options.max;
    // The place is taken here, on behalf of who waits, so that nobody comes in between.
    while (this.#taken < this.#max) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#taken += 1;
      next.resolve(undefined);
    }
  }

  #takeIdle(): Connection | undefined {
    for (;;) {
      const idle = this.#idle.pop();
      if (!idle) return undefined;
      clearTimeout(idle.timer);
      if (idle.connection.isOpen) return idle.connection;
    }
  }
}

const stopped = () => new MailFailure("stopped", "the server stops");
