// The step-up: what administrators do to others asks for a password that was given in the same session a short time ago. A stolen
// access token, or an open laptop, is not enough. Times are the database's, so the clocks of several servers need not agree.
import type { EntityManager } from "@mikro-orm/postgresql";

import type { Viewer } from "../model/sign-in.ts";
import { AccountError, unauthenticated } from "../rules/account-error.ts";
import { run, statement } from "./statement.ts";

/** For how long a password counts as just given. */
export const STEP_UP_MINUTES = 10;

/** For the statement that opens a session because of the event :type. A mailed link alone is no password. */
export const CONFIRMED_AT_OPENING =
  "case when :type in ('LOGGED_IN', 'PASSWORD_RESET', 'PASSWORD_CHANGED') then now() end";

const CONFIRM = statement<{ sessionId: string; now: Date }, { id: string }>(
  "confirm-password",
  `update accounts.sessions set password_confirmed_at = now()
   where id = :sessionId and expires_at > :now returning id`,
);

const IS_CONFIRMED = statement<{ sessionId: string; now: Date }, { is_confirmed: boolean }>(
  "is-password-confirmed",
  `select coalesce(password_confirmed_at > now() - interval '${STEP_UP_MINUTES} minutes', false) as is_confirmed
   from accounts.sessions where id = :sessionId and expires_at > :now`,
);

/**
 * Notes that the password was given in this session. Lock the user first.
 * @throws {AccountError} UNAUTHENTICATED if the session has ended
 */
export async function noteConfirmation(
  em: EntityManager,
  { id: sessionId }: Viewer["session"],
  now: Date,
): Promise<void> {
  const [session] = await run(em, CONFIRM, { sessionId, now });
  if (!session) throw unauthenticated();
}

/**
 * Asks for the step-up.
 * @throws {AccountError} UNAUTHENTICATED if the session has ended, PASSWORD_REQUIRED
 */
export async function requireConfirmation(
  em: EntityManager,
  { id: sessionId }: Viewer["session"],
  now: Date,
): Promise<void> {
  const [session] = await run(em, IS_CONFIRMED, { sessionId, now });
  if (!session) throw unauthenticated();
  if (!session.is_confirmed)
    throw new AccountError(
      "PASSWORD_REQUIRED",
      `This asks for your password again. Send it with confirmPassword, then repeat this within ${STEP_UP_MINUTES} minutes.`,
    );
}
