import { usernameTaken } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { foldCase } from "../rules/fold-case.ts";
import type { Dependencies, RequestSource } from "../dependencies.ts";
import { record } from "../store/audit-trail.ts";
import type { Viewer } from "../store/sessions.ts";
import { User } from "../model/user.entity.ts";
import { lockViewer, takeTurns, unlessTaken } from "../store/users.ts";

/**
 * Takes another username; one that only an expired pending account holds is free.
 * @throws {AccountError} BAD_USER_INPUT, USERNAME_TAKEN, UNAUTHENTICATED
 */
export async function changeUsername(
  deps: Dependencies,
  viewer: Viewer,
  username: string,
  source: RequestSource,
): Promise<User> {
  checkArguments({ username }, ["username"]);
  const usernameKey = foldCase(username);
  return deps.em.fork().transactional(async (em) => {
    // As register does; with both names, for two who take each other's would wait for each other.
    await takeTurns(em, [`username ${usernameKey}`, `username ${foldCase(viewer.user.username)}`]);
    const user = await lockViewer(em, viewer.user);
    await em.nativeDelete(User, {
      usernameKey,
      isActive: false,
      confirmationExpiresAt: { $lte: deps.now() },
    });
    user.username = username;
    user.updatedAt = deps.now();
    await unlessTaken(em.flush(), usernameTaken(username));
    await record(deps, em, "USERNAME_CHANGED", { user, source, actor: user });
    return user;
  });
}
