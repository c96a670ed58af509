// Who is signed in: what a sign-in answers with, and what a later request is known by.
import type { IssuedToken } from "../tokens.ts";
import type { Session } from "./session.entity.ts";
import type { User } from "./user.entity.ts";

/** Who is signed in from now on, and with what. */
export interface SignIn {
  readonly user: User;
  readonly accessToken: IssuedToken;
  readonly refreshToken: IssuedToken;
  /** Marks the device as one that has logged in to this account. */
  readonly deviceToken: string;
}

/** A signed-in user and the session of the request. */
export interface Viewer {
  readonly user: User;
  readonly session: Pick<Session, "id">;
}
