import type { EntityManager } from "@mikro-orm/postgresql";

import type { MailEntry, MailPosition } from "../../mail/queue.ts";
import type { Dependencies } from "../dependencies.ts";
import type { MailJob } from "../mails/mail-job.ts";
import type { Page, PageArgs } from "../model/page.ts";
import { NOT_DONE, type QueuedEmail, type QueuedEmailState } from "../model/queued-email.ts";
import { User } from "../model/user.entity.ts";
import { AccountError } from "../rules/account-error.ts";
import { readPage } from "../store/paging.ts";
import { UUID } from "../store/users.ts";

/**
 * Emails that are in one of `states`, oldest first.
 * @param args.states without them, all that are not done
 * @throws {AccountError} BAD_USER_INPUT
 */
export async function findQueuedEmails(
  { em, mailQueue }: Dependencies,
  { states = NOT_DONE, ...args }: PageArgs & { states?: readonly QueuedEmailState[] },
): Promise<Page<QueuedEmail>> {
  const fork = em.fork();
  const { edges, hasNextPage } = await readPage(
    {
      read: (first, after) => mailQueue.page(fork, states, first, after),
      valuesOf: ({ position }) => position,
      isKey: isPosition,
    },
    args,
  );
  const users = await usersOf(
    fork,
    edges.map(({ node }) => node),
  );
  return {
    edges: edges.map(({ cursor, node }) => ({
      cursor,
      node: queuedEmailOf(node, users.get(node.job.userId)),
    })),
    hasNextPage,
  };
}

/** @throws {AccountError} NOT_FOUND */
export async function findQueuedEmail({ em, mailQueue }: Dependencies, id: string): Promise<QueuedEmail> {
  const fork = em.fork();
  const [entry] = UUID.test(id) ? await mailQueue.find(fork, [id]) : [];
  if (!entry) throw noSuchEmail(id);
  return queuedEmailOf(entry, (await usersOf(fork, [entry])).get(entry.job.userId));
}

/** How many emails are in each state; those that are done are counted for a day. */
export function countQueuedEmails({
  em,
  mailQueue,
}: Dependencies): Promise<Readonly<Record<QueuedEmailState, number>>> {
  return mailQueue.counts(em.fork());
}

export function noSuchEmail(id: string): AccountError {
  return new AccountError(
    "NOT_FOUND",
    `No email has the ID "${id.slice(0, 40)}". An email is forgotten a day after it was sent.`,
    { field: "id" },
  );
}

/** The time is one of PostgreSQL's, with microseconds. */
function isPosition(values: readonly unknown[]): values is MailPosition {
  const [createdAt, id, ...more] = values;
  if (typeof createdAt !== "string" || typeof id !== "string" || more.length > 0) return false;
  if (!/^[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(createdAt) || !UUID.test(id)) return false;
  const time = new Date(createdAt);
  // A day that its month does not have would be one of the next month.
  return !Number.isNaN(time.getTime()) && time.toISOString().slice(0, 19) === createdAt.slice(0, 19);
}

async function usersOf(
  em: EntityManager,
  entries: readonly MailEntry<MailJob>[],
): Promise<Map<string, User>> {
  const ids = new Set(entries.map(({ job }) => job.userId));
  const users = await em.find(User, { id: { $in: [...ids] } });
  return new Map(users.map((user) => [user.id, user]));
}

export function queuedEmailOf(
  { id, job, state, createdAt, dueAt, attempts, reason }: MailEntry<MailJob>,
  user: User | null = null,
): QueuedEmail {
  return { id, kind: job.mail, state, user, createdAt, nextAttemptAt: dueAt, attempts, lastError: reason };
}
