// Enqueues mails in the caller's transaction: a mail is sent if and only if what it tells is committed.
import { randomUUID } from "node:crypto";

import type { EntityManager } from "@mikro-orm/postgresql";

import type { MailQueue } from "../../mail/queue.ts";
import type { User } from "../model/user.entity.ts";
import { subjectOf } from "../store/users.ts";
import type { MailName } from "./catalogue.ts";
import type { MailJob } from "./mail-job.ts";

/** The emails that anybody can ask for, with any email address. */
const ASKED_FOR: ReadonlySet<MailName> = new Set(["registration", "reset", "email-change"]);
/**
 * Where existence is hidden. Sending an email takes a few milliseconds and dropping one does not, so whoever asks again at once would
 * tell by the wait which it was. A second later, the worker looks when it is its time, not when somebody has asked.
 */
const WAIT_SECONDS = 1;

type Queue = Pick<MailQueue<MailJob>, "enqueue" | "holdAll">;

export class Outbox {
  readonly #queue: Queue;
  readonly #now: () => Date;
  readonly #hidesExistence: boolean;

  constructor(queue: Queue, now: () => Date, hidesExistence: boolean) {
    this.#queue = queue;
    this.#now = now;
    this.#hidesExistence = hidesExistence;
  }

  /** Without a user, which only happens where existence is hidden, the job costs the same, and the worker drops it. */
  enqueue(
    em: EntityManager,
    mail: MailName,
    user: User | null,
    about: Pick<MailJob, "emailChangeId" | "application"> = {},
  ): Promise<void> {
    const subject = user ? subjectOf(user) : { userId: randomUUID(), credentialVersion: 0 };
    const job = { mail, ...subject, ...about, requestedAt: this.#now().toISOString() };
    return this.#queue.enqueue(em, job, this.#hidesExistence && ASKED_FOR.has(mail) ? WAIT_SECONDS : 0);
  }

  /**
   * After every user's credential version has gone up, and the database was restored from a backup: keeps every mail that waits until an
   * operator decides, because it may have been sent since the backup. Those that were good remain so.
   * @returns how many
   */
  holdAll(em: EntityManager): Promise<number> {
    return this.#queue.holdAll(em, "it may have been sent since the backup", "credentialVersion");
  }
}
