// The audit trail. An event is written in the same transaction as the change, so it never records what was rolled back.
import type { EntityManager } from "@mikro-orm/postgresql";

import {
  AccountEvent,
  type AccountEventActor,
  type AccountEventType,
} from "../model/account-event.entity.ts";
import { daysAfter } from "../model/days.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { User } from "../model/user.entity.ts";
import { run, statement } from "./statement.ts";

const USER_AGENT_MAX_LENGTH = 512;

/** The columns of an event but its user. */
export interface EventValues {
  readonly type: AccountEventType;
  readonly occurredAt: Date;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly actor: AccountEventActor;
  readonly actorId: string | null;
}

/** For a statement that adds an event along with the change. `from` must yield one row; its `id` is the user's. */
export const insertEvent = (from: string) => `
  insert into accounts.account_events (user_id, type, occurred_at, address, user_agent, actor, actor_id)
  select id, :type, :occurredAt, :ip, :userAgent, :actor, :actorId from ${from}`;

// With no user if the account is gone by now, replaced by a registration or erased.
const RECORD = statement<EventValues & { userId: string | null }>(
  "record-event",
  insertEvent("(select (select id from accounts.users where id = :userId for key share) as id) as owner"),
);

interface About {
  /** Whose account it is about; null if nobody's is known. */
  readonly user: User | null;
  readonly source: RequestSource;
  /** Who was signed in; null if nobody was. */
  readonly actor: User | null;
}

export class AuditTrail {
  readonly #now: () => Date;
  readonly #retentionDays: number;

  constructor(options: { now: () => Date; retentionDays: number }) {
    this.#now = options.now;
    this.#retentionDays = options.retentionDays;
  }

  /** Adds an event in the transaction of `em`. */
  async record(em: EntityManager, type: AccountEventType, about: About): Promise<void> {
    await run(em, RECORD, { ...this.event(type, about), userId: about.user?.id ?? null });
  }

  /** As `record`, of something that the operator did to many users whose rows are locked. */
  async recordAll(
    em: EntityManager,
    type: AccountEventType,
    users: readonly User[],
    source: RequestSource,
  ): Promise<void> {
    const events = users.map((user) => ({
      ...this.event(type, { user, source, actor: null }),
      user: user.id,
    }));
    await em.insertMany(AccountEvent, events);
  }

  /** The event for a statement made with `insertEvent`. */
  event(type: AccountEventType, { user, source, actor }: About): EventValues {
    return {
      type,
      occurredAt: this.#now(),
      ...storedSource(source),
      actor: actorOf(user, source, actor),
      actorId: actor?.id ?? null,
    };
  }

  /** @returns how many events were older than the retention time */
  async removeOld(em: EntityManager): Promise<number> {
    const occurredAt = { $lt: daysAfter(this.#now(), -this.#retentionDays) };
    return em.nativeDelete(AccountEvent, { occurredAt });
  }
}

/** As much of the source as is stored; PostgreSQL cannot store NUL. */
export function storedSource({ ip, userAgent }: RequestSource) {
  return { ip, userAgent: userAgent?.replaceAll("\0", "").slice(0, USER_AGENT_MAX_LENGTH) ?? null };
}

function actorOf(user: User | null, source: RequestSource, actor: User | null): AccountEventActor {
  if (source.isOperator) return "OPERATOR";
  if (!actor) return "ANYONE";
  return actor.id === user?.id ? "OWNER" : "ADMIN";
}
