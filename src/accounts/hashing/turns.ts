// Whose password is hashed next. Clients take turns, so a flood from one delays another's password by a hash or two, not by all
// that wait.
import { traced } from "../../tracing.ts";
import { serverBusy } from "../rules/account-error.ts";

/** Is told how the queue does. */
export interface HashingObserver {
  /** How many wait now. */
  waiting(count: number): void;
  hashed(waitedSeconds: number, workedSeconds: number): void;
  /** One was refused, because too many wait. */
  refused(): void;
}

interface Waiting {
  readonly begin: () => void;
  readonly refuse: (error: Error) => void;
}

export class Turns {
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  readonly #observer: HashingObserver;
  /** What waits, by client; the client whose turn is next comes first. */
  readonly #queues = new Map<string, Waiting[]>();
  readonly #running = new Map<string, number>();
  #runningCount = 0;
  #waitingCount = 0;

  /**
   * @param maxRunning how much runs at once; a single client gets all but one of it
   * @param maxWaiting how much may wait. Beyond that, the client with the most waiting loses its newest.
   */
  constructor(maxRunning: number, maxWaiting: number, observer: HashingObserver) {
    this.#maxRunning = maxRunning;
    this.#maxWaiting = maxWaiting;
    this.#observer = observer;
  }

  /**
   * Runs `work` when it is the client's turn.
   * @param gone a signal that the client does not wait for the result any longer; what has not begun by then never does
   * @throws {AccountError} SERVER_BUSY
   */
  async take<T>(client: string, work: () => Promise<T>, gone?: AbortSignal): Promise<T> {
    const asked = performance.now();
    if (this.#mayRun(client)) this.#count(client, 1);
    else await traced("hashing wait", () => this.#wait(client, gone));
    const begun = performance.now();
    try {
      return await traced("hashing work", work);
    } finally {
      this.#observer.hashed((begun - asked) / 1000, (performance.now() - begun) / 1000);
      this.#count(client, -1);
      this.#next();
    }
  }

  #mayRun(client: string): boolean {
    const own = this.#running.get(client) ?? 0;
    return this.#runningCount < this.#maxRunning && (own < this.#maxRunning - 1 || this.#maxRunning === 1);
  }

  async #wait(client: string, gone: AbortSignal | undefined): Promise<void> {
    if (gone?.aborted) throw serverBusy();
    const queue = this.#queues.get(client) ?? [];
    if (this.#waitingCount >= this.#maxWaiting) {
      this.#observer.refused();
      if (!this.#makeRoom(queue.length)) throw serverBusy();
    }
    const turn = Promise.withResolvers<unknown>();
    const waiting = { begin: () => turn.resolve(null), refuse: turn.reject };
    queue.push(waiting);
    this.#queues.set(client, queue);
    this.#countWaiting(1);
    const leave = () => {
      const place = queue.indexOf(waiting);
      if (place >= 0) this.#remove(client, queue, place)?.refuse(serverBusy());
    };
    gone?.addEventListener("abort", leave, { once: true });
    await turn.promise;
    gone?.removeEventListener("abort", leave);
  }

  /** Refuses the newest of the client with the most waiting, if that is more than `count`. */
  #makeRoom(count: number): boolean {
    const [client, queue] = [...this.#queues].reduce((most, next) =>
      next[1].length > most[1].length ? next : most,
    );
    if (queue.length <= count + 1) return false;
    this.#remove(client, queue, queue.length - 1)?.refuse(serverBusy());
    return true;
  }

  #next(): void {
    for (const [client, queue] of this.#queues) {
      if (!this.#mayRun(client)) continue;
      const waiting = this.#remove(client, queue, 0);
      if (queue.length > 0) {
        this.#queues.delete(client);
        this.#queues.set(client, queue); // behind all others
      }
      this.#count(client, 1); // now, or whoever comes before it really begins would take its place
      waiting?.begin();
      return;
    }
  }

  #remove(client: string, queue: Waiting[], place: number): Waiting | undefined {
    const [waiting] = queue.splice(place, 1);
    if (queue.length === 0) this.#queues.delete(client);
    this.#countWaiting(-1);
    return waiting;
  }

  #countWaiting(change: 1 | -1): void {
    this.#waitingCount += change;
    this.#observer.waiting(this.#waitingCount);
  }

  #count(client: string, change: 1 | -1): void {
    const own = (this.#running.get(client) ?? 0) + change;
    if (own === 0) this.#running.delete(client);
    else this.#running.set(client, own);
    this.#runningCount += change;
  }
}
