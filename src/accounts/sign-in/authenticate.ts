import type { Dependencies } from "../dependencies.ts";
import { prepared, together } from "../store/statement.ts";
import type { Viewer } from "../store/sessions.ts";
import { userOf, type UserRow } from "../store/user-rows.ts";
import { isBoundTo } from "../store/users.ts";

// Every request of a signed-in user asks this, so it is no query of the ORM's: that would take longer to put together
// than to answer.
const SIGNED_IN = {
  name: "signed-in",
  text: `select u.*, s.id as session_id from accounts.sessions s join accounts.users u on u.id = s.user_id
    where s.id = any($1) and s.expires_at > $2`,
};

type Row = UserRow & { readonly session_id: string };

/** The user and the session that a good access token belongs to; null for any other token, and once either has ended. */
export async function authenticate(deps: Dependencies, accessToken: string): Promise<Viewer | null> {
  const subject = deps.tokens.read("access", accessToken);
  if (subject?.reference === undefined) return null;
  const row = await findSignedIn(deps, subject.reference);
  if (row?.id !== subject.userId) return null;
  const user = userOf(row);
  return user.isUsable && isBoundTo(subject, user) ? { user, session: { id: subject.reference } } : null;
}

const finders = new WeakMap<Dependencies, (sessionId: string) => Promise<Row | null>>();

function findSignedIn(deps: Dependencies, sessionId: string): Promise<Row | null> {
  let find = finders.get(deps);
  if (!find) {
    find = together(async (sessionIds) => {
      const rows = await prepared<Row>(deps.em, SIGNED_IN, [sessionIds, deps.now()]);
      return new Map(rows.map((row) => [row.session_id, row]));
    });
    finders.set(deps, find);
  }
  return find(sessionId);
}
