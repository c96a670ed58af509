import { LockMode } from "@mikro-orm/postgresql";

import type { Dependencies } from "../dependencies.ts";
import { answerTo } from "../model/account-state.ts";
import type { RequestSource } from "../model/request-source.ts";
import { RefreshToken, Session } from "../model/session.entity.ts";
import type { SignIn } from "../model/sign-in.ts";
import { User } from "../model/user.entity.ts";
import { AccountError } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { hashOf } from "../store/sessions.ts";

/** Two tabs may refresh with one token: for this long, a spent one gets a successor of its own. */
const GRACE_MS = 10_000;

/**
 * Exchanges a refresh token for its successor and a new access token. A spent token that comes again later than
 * GRACE_MS has been copied, and nobody can tell by whom: its session ends (OAuth 2.0 Security BCP, RFC 9700, 4.14.2).
 * @throws {AccountError} BAD_USER_INPUT, INVALID_TOKEN
 */
export async function refreshSession(
  deps: Dependencies,
  refreshToken: string,
  source: RequestSource,
): Promise<SignIn> {
  checkArguments({ refreshToken });
  const signIn = await deps.transaction(async (em) => {
    const hash = hashOf(refreshToken);
    const found = await em.findOne(RefreshToken, { hash }, { populate: ["session"] });
    if (!found) return null;
    const user = await em.findOne(
      User,
      { id: found.session.user.id },
      { lockMode: LockMode.PESSIMISTIC_READ },
    );
    // Concurrent refreshes of a session wait for its row; only behind that lock is the token's state certain.
    const session = await em.findOne(
      Session,
      { id: found.session.id, expiresAt: { $gt: deps.now() } },
      { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true },
    );
    if (!session) return null;
    const token = await em.findOne(RefreshToken, { hash }, { refresh: true });
    if (!token || !user || answerTo("refreshSession", user, deps.now()) !== "OK") return null;
    const now = deps.now();
    if (!token.spentAt) {
      token.spentAt = now;
    } else if (now.getTime() - token.spentAt.getTime() > GRACE_MS) {
      // Nothing is thrown: the end of the session has to be committed.
      await deps.auditTrail.record(em, "REFRESH_TOKEN_REUSED", { user, source, actor: null });
      await deps.sessions.end(em, user, session.id);
      return null;
    }
    return deps.sessions.continue(em, session);
  });
  if (!signIn) {
    throw new AccountError("INVALID_TOKEN", "The refresh token is not valid. Log in again.", {
      field: "refreshToken",
    });
  }
  return signIn;
}
