import type { Dependencies } from "../dependencies.ts";
import type { Viewer } from "../model/sign-in.ts";

/** Whether a refresh token, of whatever age, is of the session of the request. */
export function isOwnRefreshToken(
  { refreshTokens }: Dependencies,
  { session }: Viewer,
  token: string,
): boolean {
  return refreshTokens.read(token)?.sessionId === session.id;
}
