// An outage of a database: noticed by whoever meets it, and over once the database has served for a while.
import { AsyncLocalStorage } from "node:async_hooks";

/** How often the database is tried during an outage. */
const TRIED_EVERY_MS = 1_000;
/** An outage is over once the database serves and nobody has met it for so long. */
const OVER_AFTER_MS = 5_000;

export interface OutageParts {
  /** What is wrong now, or null. */
  readonly check: () => Promise<string | null>;
  readonly begins: (reason: string) => void;
  /** @param seconds how long it lasted */
  readonly ends: (seconds: number) => void;
}

export class Outage {
  readonly #parts: OutageParts;
  #underWay: { readonly since: number; latest: number; readonly tries: NodeJS.Timeout } | undefined;
  #isTrying = false;
  #isStopped = false;
  /** Whoever meets an outage first, its end is not about that request, and the log must not say so. */
  readonly #outsideRequests = AsyncLocalStorage.snapshot();

  constructor(parts: OutageParts) {
    this.#parts = parts;
  }

  get isUnderWay(): boolean {
    return this.#underWay !== undefined;
  }

  /** It begins, or goes on. */
  noticed(reason: string): void {
    const now = performance.now();
    if (!this.#underWay) {
      if (this.#isStopped) return; // connections are closed in any order then
      const tries = this.#outsideRequests(() => setInterval(() => void this.#tryAgain(), TRIED_EVERY_MS));
      this.#underWay = { since: now, latest: now, tries };
      this.#parts.begins(reason);
    }
    this.#underWay.latest = now;
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#underWay?.tries);
  }

  async #tryAgain(): Promise<void> {
    if (this.#isTrying) return;
    this.#isTrying = true;
    const fault = await this.#parts.check();
    this.#isTrying = false;
    if (!this.#underWay || this.#isStopped) return;
    const { since, latest, tries } = this.#underWay;
    const now = performance.now();
    if (fault !== null) this.#underWay.latest = now;
    if (fault !== null || now - latest < OVER_AFTER_MS) return;
    clearInterval(tries);
    this.#underWay = undefined;
    this.#parts.ends(Math.round((latest - since) / 1000));
  }
}
