// Opaque tokens that hold a few bytes and a code that only this server can compute. They are stored nowhere.
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

const CODE_BYTES = 32;

/** Makes and reads the tokens of one purpose. */
export class SealedToken {
  readonly #key: Buffer;
  readonly #contentBytes: number;

  /**
   * @param secret of which the key is derived (RFC 5869); another secret makes every token void
   * @param purpose a token of one purpose never passes for that of another
   */
  constructor(secret: string, purpose: string, contentBytes: number) {
    this.#key = Buffer.from(hkdfSync("sha256", secret, "", `account-server/${purpose}`, 32));
    this.#contentBytes = contentBytes;
  }

  seal(content: Buffer): string {
    return Buffer.concat([content, this.#code(content)]).toString("base64url");
  }

  /** The content; null for any text that is not a token of this server and purpose. */
  open(token: string): Buffer | null {
    const bytes = Buffer.from(token, "base64url");
    if (bytes.length !== this.#contentBytes + CODE_BYTES) return null;
    if (bytes.toString("base64url") !== token) return null; // Buffer skips what is no base64
    const content = bytes.subarray(0, this.#contentBytes);
    return timingSafeEqual(bytes.subarray(this.#contentBytes), this.#code(content)) ? content : null;
  }

  #code(content: Buffer): Buffer {
    return createHmac("sha256", this.#key).update(content).digest();
  }
}

export const UUID_BYTES = 16;

export const uuidBytes = (uuid: string) => Buffer.from(uuid.replaceAll("-", ""), "hex");

export const uuidFrom = (bytes: Buffer) =>
  bytes.toString("hex", 0, UUID_BYTES).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
