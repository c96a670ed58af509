import { LockMode } from "@mikro-orm/postgresql";

import type { Dependencies } from "../dependencies.ts";
import { answerTo } from "../model/account-state.ts";
import type { RequestSource } from "../model/request-source.ts";
import { Session } from "../model/session.entity.ts";
import type { SignIn } from "../model/sign-in.ts";
import { User } from "../model/user.entity.ts";
import { AccountError } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";

/**
 * Exchanges a refresh token for its successor and a new access token. A client whose answer was lost may ask again, however
 * much later, and two tabs may ask at once: a token has the same successor every time. Once that successor has been used,
 * the token can only come from a copy, and nobody can tell whose: the session ends (OAuth 2.0 Security BCP, RFC 9700, 4.14.2).
 * No clock decides, so servers whose clocks differ answer alike.
 * @throws {AccountError} BAD_USER_INPUT, INVALID_TOKEN
 */
export async function refreshSession(
  deps: Dependencies,
  refreshToken: string,
  source: RequestSource,
): Promise<SignIn> {
  checkArguments({ refreshToken });
  const token = deps.refreshTokens.read(refreshToken);
  const signIn = token && (await exchange(deps, token, source));
  if (!signIn) {
    throw new AccountError("INVALID_TOKEN", "The refresh token is not valid. Log in again.", {
      field: "refreshToken",
    });
  }
  return signIn;
}

/** Null is returned, not thrown, because the end of the session has to be committed. */
async function exchange(
  deps: Dependencies,
  { sessionId, number }: { sessionId: string; number: number },
  source: RequestSource,
): Promise<SignIn | null> {
  return deps.transaction(async (em) => {
    const found = await em.findOne(Session, { id: sessionId });
    if (!found) return null;
    const user = await em.findOne(User, { id: found.user.id }, { lockMode: LockMode.PESSIMISTIC_READ });
    // Concurrent refreshes of a session wait for its row; only behind that lock is it certain which token was used last.
    const session = await em.findOne(
      Session,
      { id: sessionId, expiresAt: { $gt: deps.now() } },
      { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true },
    );
    if (!session || !user || answerTo("refreshSession", user, deps.now()) !== "OK") return null;
    if (number >= session.usedToken) return deps.sessions.continue(session, number, source);
    await deps.auditTrail.record(em, "REFRESH_TOKEN_REUSED", { user, source, actor: null });
    await deps.sessions.end(em, user, session.id);
    return null;
  });
}
