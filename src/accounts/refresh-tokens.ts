// The refresh tokens of sessions. They are derived, not stored: the n-th of a session is its ID, the number n, and a code that
// only this server can compute. So a token always has the same successor, and a session needs one column for all its tokens.
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

export interface RefreshTokenContent {
  readonly sessionId: string;
  /** 1 for the token that opened the session, then one more at each refresh. */
  readonly number: number;
}

const ID_BYTES = 16;
const CONTENT_BYTES = ID_BYTES + 4;
/** OWASP Session Management Cheat Sheet: at least 64 bits of entropy. */
const CODE_BYTES = 32;

/** Issues and reads refresh tokens. */
export class RefreshTokens {
  readonly #key: Buffer;

  /** @param secret of which the key is derived (RFC 5869); another secret makes every token void */
  constructor(secret: string) {
    this.#key = Buffer.from(hkdfSync("sha256", secret, "", "account-server/refresh", 32));
  }

  issue({ sessionId, number }: RefreshTokenContent): string {
    const content = Buffer.alloc(CONTENT_BYTES);
    content.write(sessionId.replaceAll("-", ""), "hex");
    content.writeUInt32BE(number, ID_BYTES);
    return Buffer.concat([content, this.#code(content)]).toString("base64url");
  }

  /** Null for any text that is not a token of this server. */
  read(token: string): RefreshTokenContent | null {
    const bytes = Buffer.from(token, "base64url");
    if (bytes.length !== CONTENT_BYTES + CODE_BYTES) return null;
    const content = bytes.subarray(0, CONTENT_BYTES);
    if (!timingSafeEqual(bytes.subarray(CONTENT_BYTES), this.#code(content))) return null;
    const id = content.toString("hex", 0, ID_BYTES);
    return {
      sessionId: id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
      number: content.readUInt32BE(ID_BYTES),
    };
  }

  #code(content: Buffer): Buffer {
    return createHmac("sha256", this.#key).update(content).digest();
  }
}
