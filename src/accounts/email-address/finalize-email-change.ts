import type { EntityManager } from "@mikro-orm/postgresql";

import type { Dependencies } from "../dependencies.ts";
import { answerTo } from "../model/account-state.ts";
import { EmailChange } from "../model/email-change.entity.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { SignIn, Viewer } from "../model/sign-in.ts";
import { User } from "../model/user.entity.ts";
import { confirmPassword } from "../password/confirm-password.ts";
import { AccountError, emailInUse, invalidToken } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { lockUser, unlessTaken } from "../store/locks.ts";
import { isBoundTo } from "../store/users.ts";
import type { TokenSubject } from "../tokens.ts";
import { undoEmailChange } from "./undo-email-change.ts";

/**
 * Changes the email address to the one that the mailed token was sent to, ends every older access token and link, tells the old
 * address, and signs in. Whoever opens the link must be signed in as its user or give the password: otherwise somebody could move
 * their own account to a stranger's address, have the stranger confirm it, and take it back later with the undo.
 *
 * The token of the notice to the old address undoes the change, by itself.
 * @param viewer who is signed in, if anybody is
 * @throws {AccountError} BAD_USER_INPUT, INVALID_TOKEN, PASSWORD_REQUIRED, INVALID_CREDENTIALS, SERVER_BUSY, RATE_LIMITED, EMAIL_TAKEN
 */
export async function finalizeEmailChange(
  deps: Dependencies,
  viewer: Viewer | null,
  args: { token: string; password?: string },
  source: RequestSource,
): Promise<SignIn> {
  checkArguments(args);
  const undo = deps.tokens.read("email-undo", args.token);
  if (undo) return undoEmailChange(deps, undo, source);
  const subject = deps.tokens.read("email-change", args.token);
  if (!subject) throw invalidToken();
  const session = await confirmOwner(deps, viewer, subject, args.password, source);
  return deps.transaction(async (em) => {
    // Locks the user first and checks then: of two racing links, the second finds its change gone. The version of the credentials
    // is the link's, so the password is still the one that was confirmed.
    const user = await lockUser(em, subject.userId);
    const change = await findChange(deps, em, user, subject);
    if (!user || !change) throw invalidToken();
    // A device that was logged out since the request began must not be logged in again.
    if (session && !(await deps.sessions.isOpen(em, user, session.id))) throw passwordRequired();
    user.email = change.newEmail;
    user.endOlderTokens(deps.now());
    await unlessTaken(em.flush(), emailInUse(change.newEmail, "token"));
    await em.nativeDelete(EmailChange, { user: user.id, isUndo: false });
    await tellOldAddress(deps, em, user, change);
    return deps.sessions.open(em, user, "EMAIL_CHANGED", source);
  });
}

/**
 * A dead link is refused before a password is asked for.
 * @returns the session that confirmed it; null if the password did
 * @throws {AccountError} INVALID_TOKEN, PASSWORD_REQUIRED, INVALID_CREDENTIALS, SERVER_BUSY, RATE_LIMITED
 */
async function confirmOwner(
  deps: Dependencies,
  viewer: Viewer | null,
  subject: TokenSubject,
  password: string | undefined,
  source: RequestSource,
): Promise<Viewer["session"] | null> {
  const em = deps.em.fork();
  const owner = await em.findOne(User, { id: subject.userId });
  if (!owner || !(await findChange(deps, em, owner, subject))) throw invalidToken();
  const session = viewer?.user.id === owner.id ? viewer.session : null;
  if (password !== undefined) {
    await confirmPassword(deps, { user: owner, session }, "password", password, source);
    return null;
  }
  if (!session) throw passwordRequired();
  return session;
}

const passwordRequired = () =>
  new AccountError(
    "PASSWORD_REQUIRED",
    "Log in to the account that asked for this change, or give its password.",
    { field: "password" },
  );

/** A change is good only for the account as it was when the change was requested. */
async function findChange(
  { now }: Dependencies,
  em: EntityManager,
  user: User | null,
  subject: TokenSubject,
): Promise<EmailChange | null> {
  if (!user || subject.reference === undefined || !isBoundTo(subject, user)) return null;
  if (answerTo("finalizeEmailChange", user, now()) === "INVALID_TOKEN") return null;
  return em.findOne(EmailChange, {
    id: subject.reference,
    user: user.id,
    isUndo: false,
    oldEmail: user.email,
  });
}

/** With the change back as the way to undo it. */
async function tellOldAddress(
  deps: Dependencies,
  em: EntityManager,
  user: User,
  { oldEmail }: EmailChange,
): Promise<void> {
  const undo = EmailChange.of(user, { newEmail: oldEmail, isUndo: true, now: deps.now() });
  await em.insert(undo);
  await deps.outbox.enqueue(em, "email-changed", user, { emailChangeId: undo.id });
}
