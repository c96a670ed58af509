import DataLoader from "dataloader";

import type { AccountsParts } from "../parts.ts";
import { prepared } from "../prepared.ts";
import type { Viewer } from "../sessions.ts";
import { userOf, type UserRow } from "../user-table.ts";
import { isBoundTo } from "../users.ts";

// Every request of a signed-in user asks this, so it is no query of the ORM's: that would take longer to put together
// than to answer.
const SIGNED_IN = {
  name: "signed-in",
  text: `select u.*, s.id as session_id from accounts.sessions s join accounts.users u on u.id = s.user_id
    where s.id = any($1) and s.expires_at > $2`,
};

type Row = UserRow & { readonly session_id: string };

/** The user and the session that a good access token belongs to; null for any other token, and once either has ended. */
export async function authenticate(parts: AccountsParts, accessToken: string): Promise<Viewer | null> {
  const subject = parts.tokens.read("access", accessToken);
  if (subject?.reference === undefined) return null;
  const row = await loaderOf(parts).load(subject.reference);
  if (row?.id !== subject.userId) return null;
  const user = userOf(row);
  return user.isUsable && isBoundTo(subject, user) ? { user, session: { id: subject.reference } } : null;
}

const loaders = new WeakMap<AccountsParts, DataLoader<string, Row | null>>();

/** Requests that arrive together are looked up together; nothing is kept, so each sees the present state. */
function loaderOf(parts: AccountsParts): DataLoader<string, Row | null> {
  let loader = loaders.get(parts);
  if (!loader) {
    loader = new DataLoader((sessionIds) => findSignedIn(parts, sessionIds), {
      cache: false,
      batchScheduleFn: (send) => setImmediate(send), // after what this turn of the event loop has read
      maxBatchSize: 100,
    });
    loaders.set(parts, loader);
  }
  return loader;
}

async function findSignedIn(parts: AccountsParts, sessionIds: readonly string[]): Promise<(Row | null)[]> {
  const rows = await prepared<Row>(parts.em, SIGNED_IN, [sessionIds, parts.now()]);
  const bySession = new Map(rows.map((row) => [row.session_id, row]));
  return sessionIds.map((id) => bySession.get(id) ?? null);
}
