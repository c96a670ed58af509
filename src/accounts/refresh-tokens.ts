// The refresh tokens of sessions. They are derived, not stored: the n-th of a session is its ID and n, sealed. So a token always
// has the same successor, and a session needs one column for all its tokens.
import { SealedToken, UUID_BYTES, uuidBytes, uuidFrom } from "./sealed-token.ts";

export interface RefreshTokenContent {
  readonly sessionId: string;
  /** 1 for the token that opened the session, then one more at each refresh. */
  readonly number: number;
}

/** Issues and reads refresh tokens. */
export class RefreshTokens {
  readonly #sealed: SealedToken;

  constructor(secret: string) {
    this.#sealed = new SealedToken(secret, "refresh", UUID_BYTES + 4);
  }

  issue({ sessionId, number }: RefreshTokenContent): string {
    const content = Buffer.concat([uuidBytes(sessionId), Buffer.alloc(4)]);
    content.writeUInt32BE(number, UUID_BYTES);
    return this.#sealed.seal(content);
  }

  /** Null for any text that is not a refresh token of this server. */
  read(token: string): RefreshTokenContent | null {
    const content = this.#sealed.open(token);
    return content && { sessionId: uuidFrom(content), number: content.readUInt32BE(UUID_BYTES) };
  }
}
