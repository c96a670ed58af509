import type { Dependencies } from "../dependencies.ts";
import { whereLapsed } from "../model/account-state.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { Viewer } from "../model/sign-in.ts";
import { User } from "../model/user.entity.ts";
import { usernameTaken } from "../rules/account-error.ts";
import { checkArguments, checkNewUsername } from "../rules/argument-rules.ts";
import { foldCase } from "../rules/fold-case.ts";
import { lockViewer, refuseFormerUsername, takeTurns, unlessTaken, usernameTurn } from "../store/locks.ts";

/**
 * Takes another username, and tells the owner by mail. A username that only an expired registration holds is free; one that
 * somebody else gave up lately is not.
 * @throws {AccountError} BAD_USER_INPUT, USERNAME_TAKEN, UNAUTHENTICATED
 */
export async function changeUsername(
  deps: Dependencies,
  viewer: Viewer,
  username: string,
  source: RequestSource,
): Promise<User> {
  checkArguments({ username }, ["username"]);
  checkNewUsername(username);
  return deps.transaction(async (em) => {
    // The same turns as registrations take. For both names: two users who take each other's would deadlock otherwise.
    await takeTurns(em, [usernameTurn(username), usernameTurn(viewer.user.username)]);
    const user = await lockViewer(em, viewer.user, deps.now());
    await em.nativeDelete(User, { usernameKey: foldCase(username), ...whereLapsed(deps.now()) });
    await refuseFormerUsername(em, username, user, deps.now());
    user.rename(username, deps.now());
    await unlessTaken(em.flush(), usernameTaken(username));
    await deps.auditTrail.record(em, "USERNAME_CHANGED", { user, source, actor: user });
    await deps.outbox.enqueue(em, "username-changed", user);
    return user;
  });
}
