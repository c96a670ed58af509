// Writes the audit trail.
import type { EntityManager } from "@mikro-orm/postgresql";

import {
  AccountEvent,
  type AccountEventActor,
  type AccountEventType,
} from "../model/account-event.entity.ts";
import type { Dependencies, RequestSource } from "../dependencies.ts";
import { prepared } from "./statement.ts";
import type { User } from "../model/user.entity.ts";

const USER_AGENT_MAX_LENGTH = 512;

/** The user, then `eventValues`. */
export const INSERT_EVENT =
  "insert into accounts.account_events (user_id, type, occurred_at, address, user_agent, actor, actor_id)";

const RECORD = {
  name: "record",
  // Of nobody, too, if the account went meanwhile, replaced by a registration or erased.
  text: `${INSERT_EVENT}
    values ((select id from accounts.users where id = $1 for key share), $2, $3, $4, $5, $6, $7)`,
};

interface About {
  /** Whose account it is about; null if nobody's is known. */
  readonly user: User | null;
  readonly source: RequestSource;
  /** Who was signed in; null if nobody was. */
  readonly actor: User | null;
}

/** Adds an event in the transaction of `em`, so that it tells of nothing that did not happen. */
export async function record(
  deps: Dependencies,
  em: EntityManager,
  type: AccountEventType,
  about: About,
): Promise<void> {
  await prepared(em, RECORD, [about.user?.id ?? null, ...eventValues(deps, type, about)]);
}

/** As `record`, of something that the operator did to many whose rows are locked. */
export async function recordAll(
  deps: Dependencies,
  em: EntityManager,
  type: AccountEventType,
  users: readonly User[],
  source: RequestSource,
): Promise<void> {
  await em.insertMany(
    AccountEvent,
    users.map((user) => ({ ...columns(deps, type, { user, source, actor: null }), user: user.id })),
  );
}

/** The columns of an event but its user, in the order of INSERT_EVENT. */
export function eventValues(deps: Dependencies, type: AccountEventType, about: About): unknown[] {
  const { occurredAt, ip, userAgent, actor, actorId } = columns(deps, type, about);
  return [type, occurredAt, ip, userAgent, actor, actorId];
}

function columns({ now }: Dependencies, type: AccountEventType, { user, source, actor }: About) {
  return {
    type,
    occurredAt: now(),
    ...sourceColumns(source),
    actor: kindOf(user, source, actor),
    actorId: actor?.id ?? null,
  };
}

/** As much of the source as is stored; PostgreSQL cannot store NUL. */
export function sourceColumns({ ip, userAgent }: RequestSource) {
  return { ip, userAgent: userAgent?.replaceAll("\0", "").slice(0, USER_AGENT_MAX_LENGTH) ?? null };
}

function kindOf(user: User | null, source: RequestSource, actor: User | null): AccountEventActor {
  if (source.isOperator) return "OPERATOR";
  if (!actor) return "ANYONE";
  return actor.id === user?.id ? "OWNER" : "ADMIN";
}
