// Enqueues mails in the caller's transaction: a mail is sent if and only if what it tells is committed.
import { randomUUID } from "node:crypto";

import type { EntityManager } from "@mikro-orm/postgresql";

import type { MailQueue } from "../../mail/queue.ts";
import type { User } from "../model/user.entity.ts";
import { subjectOf } from "../store/users.ts";
import type { MailName } from "./catalogue.ts";
import type { MailJob } from "./mail-job.ts";

export class Outbox {
  readonly #queue: Pick<MailQueue<MailJob>, "enqueue">;
  readonly #now: () => Date;

  constructor(queue: Pick<MailQueue<MailJob>, "enqueue">, now: () => Date) {
    this.#queue = queue;
    this.#now = now;
  }

  /** Without a user, which only happens where existence is hidden, the job costs the same, and the worker drops it. */
  enqueue(
    em: EntityManager,
    mail: MailName,
    user: User | null,
    about: Pick<MailJob, "emailChangeId"> = {},
  ): Promise<void> {
    const subject = user ? subjectOf(user) : { userId: randomUUID(), credentialVersion: 0 };
    return this.#queue.enqueue(em, { mail, ...subject, ...about, requestedAt: this.#now().toISOString() });
  }
}
