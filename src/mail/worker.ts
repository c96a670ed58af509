// Composes, renders and sends each email of the queue, and decides what becomes of one that was not sent.
import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import { loggableError, type Logger } from "../log.ts";
import { annotate, traced } from "../tracing.ts";
import { MailFailure, type FailureKind } from "./failure.ts";
import { SmtpOutage } from "./outage.ts";
import type { Fault, MailQueue, QueuedMail, Verdict } from "./queue.ts";
import type { MailRenderer, MailToRender } from "./renderer.ts";
import type { MailTransport } from "./transport.ts";

/** Is told what became of emails. */
export interface MailObserver {
  /** @param mail the name of the template */
  sent(mail: string): void;
  /** An attempt was in vain, and the email comes back by itself. */
  retried(kind: FailureKind): void;
  /** It waits for an operator. */
  failed(): void;
  /** The SMTP server takes no emails at all, or takes them again. */
  outage(isOut: boolean): void;
}

export interface MailWorkerParts<Job> {
  /** The email to send now, or null if it is out of date. */
  readonly compose: (job: Job) => Promise<MailToRender | null>;
  readonly renderer: MailRenderer;
  readonly transport: MailTransport;
  readonly log: Logger;
  readonly observer?: MailObserver | undefined;
}

/** Between two attempts: 1, 2, 4, ... seconds, up to this. */
const MAX_SECONDS_BETWEEN_ATTEMPTS = 300;
/** About a day. Greylisting takes minutes, a full mailbox is emptied within a day or never. */
const MAX_DEFERRALS = 300;
/** Each of them may have arrived. */
const MAX_UNSURE = 5;
/** Long enough that nobody else tries an email while its answer is still awaited (see ANSWERED_WITHIN_MS). */
const UNANSWERED_FOR_SECONDS = 330;

/** For an email that is being composed while the database does not answer. */
const GIVEN_BACK_WITHIN_MS = 500;

/** Sends what the queue has, until `finish`. */
export class MailWorker<Job extends object> {
  readonly #parts: MailWorkerParts<Job>;
  readonly #outage: SmtpOutage;
  readonly #inHand = new Set<Promise<unknown>>();
  #isFinishing = false;

  constructor(parts: MailWorkerParts<Job>) {
    this.#parts = parts;
    const { transport, log, observer } = parts;
    const tell = (isOut: boolean) => observer?.outage(isOut);
    this.#outage = new SmtpOutage({ check: () => transport.check(), log, tell });
  }

  /** Passes every email of the queue to the transport. Returns at once. */
  async start(queue: Pick<MailQueue<Job>, "work" | "pause" | "resume">): Promise<void> {
    this.#outage.onPause = () => queue.pause();
    this.#outage.onResume = () => queue.resume();
    await queue.work((mail) => {
      const verdict = traced("mail", () => this.#deliver(mail), { kind: "CONSUMER", from: mail.trace });
      this.#await(verdict);
      return verdict;
    });
  }

  /**
   * Takes no more emails, and lets those in progress finish. Then what the SMTP server cannot have returns to the queue.
   * @param milliseconds for how long emails in progress may take
   */
  async finish(milliseconds: number): Promise<void> {
    this.#isFinishing = true;
    this.#outage.stop();
    const { transport } = this.#parts;
    transport.refuseMore();
    await this.#settledWithin(milliseconds);
    transport.giveBack();
    await this.#settledWithin(GIVEN_BACK_WITHIN_MS);
  }

  async #settledWithin(milliseconds: number): Promise<void> {
    const limit = new AbortController();
    const time = delay(milliseconds, undefined, { signal: limit.signal }).catch(() => undefined);
    const settled = async () => {
      while (this.#inHand.size > 0) await Promise.allSettled(this.#inHand);
    };
    await Promise.race([settled(), time]);
    limit.abort();
  }

  #await(work: Promise<unknown>): void {
    this.#inHand.add(work);
    const forget = () => this.#inHand.delete(work);
    work.then(forget, forget);
  }

  async #deliver(mail: QueuedMail<Job>): Promise<Verdict> {
    const { compose, renderer, transport, log } = this.#parts;
    if (this.#isFinishing || this.#outage.pauses) return this.#untouched(mail);
    let template: string | undefined;
    try {
      const letter = await traced("mail compose", () => compose(mail.job));
      if (!letter) {
        log.info({ mailId: mail.id }, "email dropped: it is out of date");
        return { status: "done" };
      }
      const { template: name } = letter;
      template = name;
      annotate({ "account.mail": name, "account.mail.id": mail.id, "account.mail.attempt": mail.attempt });
      const rendered = renderer.render(letter);
      const { reply, accepted } = await traced(
        "mail send",
        () => transport.send(mail.id, rendered, mail.lane),
        { kind: "CLIENT" },
      );
      if (reply === null) return this.#unanswered(mail, template, accepted);
      this.#sent(mail, template);
      return { status: "done" };
    } catch (error) {
      return this.#notSent(mail, template, error);
    }
  }

  #sent({ id, attempt }: QueuedMail<Job>, template: string): void {
    this.#parts.log.info({ mailId: id, mail: template, attempt }, `email sent: ${template}`);
    this.#parts.observer?.sent(template);
    this.#outage.end();
  }

  /** The SMTP server has the email, so it must not be sent again while an answer can come. The lane goes on without it. */
  #unanswered(mail: QueuedMail<Job>, template: string, accepted: Promise<string>): Verdict {
    const answer = accepted.then(
      (): Verdict => {
        this.#sent(mail, template);
        return { status: "done" };
      },
      (error: unknown) => this.#notSent(mail, template, error),
    );
    this.#await(answer);
    const message = "the SMTP server has the email, and its answer takes long";
    const fault: Fault = { ...faultBefore(mail), kind: "unsure", message };
    return { status: "later", seconds: UNANSWERED_FOR_SECONDS, lane: "slow", fault, answer };
  }

  #notSent(mail: QueuedMail<Job>, template: string | undefined, error: unknown): Verdict {
    const { log, observer } = this.#parts;
    const failure =
      error instanceof MailFailure
        ? error
        : // pg-boss stores the message in the row of the job, so it must quote no row of another table.
          new MailFailure("deferred", String(loggableError(error)["message"]));
    const { kind, message } = failure;
    if (kind === "stopped") return this.#untouched(mail);
    if (kind === "outage") {
      this.#outage.begin(failure);
      return { ...this.#untouched(mail), fault: { ...faultBefore(mail), kind, message } };
    }
    annotate({ "error.type": kind });
    if (error instanceof MailFailure && kind !== "unsure" && !failure.isCut) this.#outage.end();
    const before = faultBefore(mail);
    const fault: Fault = {
      kind,
      message,
      deferrals: before.deferrals + (kind === "unsure" ? 0 : 1),
      unsure: before.unsure + (kind === "unsure" ? 1 : 0),
    };
    const { id: mailId, attempt } = mail;
    if (kind === "refused" || fault.deferrals > MAX_DEFERRALS || fault.unsure > MAX_UNSURE) {
      const name = template ?? "unknown";
      log.error({ mailId, mail: name, attempt }, `email failed, it waits for an operator: ${message}`);
      observer?.failed();
      return { status: "failed", fault };
    }
    const seconds = kind === "slow" && mail.lane === "ordinary" ? 0 : backoff(fault.deferrals + fault.unsure);
    log.warn({ mailId, mail: template, attempt }, `email not sent, will try again: ${message}`);
    observer?.retried(kind);
    return { status: "later", seconds, lane: kind === "slow" ? "slow" : mail.lane, fault };
  }

  /** As if nobody had taken it in hand. */
  #untouched(mail: QueuedMail<Job>): Verdict & { status: "later" } {
    return { status: "later", seconds: 0, lane: mail.lane, fault: mail.fault };
  }
}

const faultBefore = ({ fault }: QueuedMail<object>): { deferrals: number; unsure: number } => ({
  deferrals: fault?.deferrals ?? 0,
  unsure: fault?.unsure ?? 0,
});

/** Seconds until the next attempt, with jitter, so that emails that failed together do not come back together. */
function backoff(failures: number): number {
  const longest = Math.min(2 ** failures, 2 * MAX_SECONDS_BETWEEN_ATTEMPTS);
  return Math.min(Math.ceil((longest / 2) * (1 + randomInt(1_000) / 1_000)), MAX_SECONDS_BETWEEN_ATTEMPTS);
}
