// An outage of the SMTP server: no email is tried meanwhile, so that none uses up its attempts, and nothing has to be woken up after it.
import type { Logger } from "../log.ts";
import type { MailFailure } from "./failure.ts";

/** Between two looks at whether the SMTP server is back: 1, 2, 4, ... seconds, up to this. */
const MAX_SECONDS_BETWEEN_LOOKS = 15;
/** A login is tried no more often, because providers lock accounts. */
const SECONDS_BETWEEN_LOGINS = 60;

export interface SmtpOutageParts {
  /** @throws {MailFailure} of the kind `outage` */
  readonly check: () => Promise<void>;
  readonly log: Logger;
  /** Is told when an outage begins, and when it is over. */
  readonly tell: (isOut: boolean) => void;
}

export class SmtpOutage {
  readonly #parts: SmtpOutageParts;
  #pauses = false;
  /** Milliseconds; undefined while there is no outage. */
  #since: number | undefined;
  #looks = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  /** Called when emails can be tried again, and when they cannot. */
  onPause: () => void = () => undefined;
  onResume: () => void = () => undefined;

  constructor(parts: SmtpOutageParts) {
    this.#parts = parts;
  }

  /** Whether no email is to be tried now. */
  get pauses(): boolean {
    return this.#pauses;
  }

  /** After a failure that concerns all emails. Logs the first one only. */
  begin(failure: MailFailure): void {
    if (this.#pauses || this.#isStopped) return;
    this.#pauses = true;
    if (this.#since === undefined) {
      this.#since = Date.now();
      this.#parts.log.error(`emails wait, because ${failure.message}`);
      this.#parts.tell(true);
    }
    this.onPause();
    this.#lookLater(failure);
  }

  /** After an answer to an email: the SMTP server serves. */
  end(): void {
    if (this.#pauses || this.#since === undefined) return;
    const seconds = Math.round((Date.now() - this.#since) / 1000);
    this.#since = undefined;
    this.#looks = 0;
    this.#parts.log.info({ seconds }, "the SMTP server takes emails again");
    this.#parts.tell(false);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #lookLater(failure: MailFailure): void {
    const seconds = failure.isLogin
      ? SECONDS_BETWEEN_LOGINS
      : Math.min(2 ** this.#looks, MAX_SECONDS_BETWEEN_LOOKS);
    this.#looks += 1;
    this.#timer = setTimeout(() => void this.#look(), seconds * 1000);
  }

  async #look(): Promise<void> {
    try {
      await this.#parts.check();
    } catch (error) {
      if (this.#isStopped) return;
      this.#parts.log.debug(`emails still wait, because ${(error as Error).message}`);
      this.#lookLater(error as MailFailure);
      return;
    }
    if (this.#isStopped) return;
    this.#pauses = false;
    this.onResume();
  }
}
