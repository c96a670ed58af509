import type { Dependencies } from "../dependencies.ts";
import { answerTo } from "../model/account-state.ts";
import type { Viewer } from "../model/sign-in.ts";
import { isBoundTo } from "../store/users.ts";

/** The user and the session that a good access token belongs to; null for any other token, and once either has ended. */
export async function authenticate(deps: Dependencies, accessToken: string): Promise<Viewer | null> {
  const subject = deps.tokens.read("access", accessToken);
  if (subject?.reference === undefined) return null;
  const user = await deps.sessions.findUser(subject.reference);
  if (user?.id !== subject.userId || !isBoundTo(subject, user)) return null;
  return answerTo("authenticate", user, deps.now()) === "OK"
    ? { user, session: { id: subject.reference } }
    : null;
}
