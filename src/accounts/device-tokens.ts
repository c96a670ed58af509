// Marks a device that has logged in to an account. With its mark, a device has a rate limit of its own, so that guesses of
// strangers do not keep the owner out. A mark gives no access, and is good for one account alone.
import { randomUUID } from "node:crypto";

import { SealedToken, UUID_BYTES, uuidBytes, uuidFrom } from "./sealed-token.ts";

/** Issues and reads device tokens. */
export class DeviceTokens {
  readonly #sealed: SealedToken;

  constructor(secret: string) {
    this.#sealed = new SealedToken(secret, "device", 2 * UUID_BYTES);
  }

  /** The token that the device has for the user already, or else a new one. */
  issue(userId: string, presented: readonly string[]): string {
    return (
      presented.find((token) => this.#read(token)?.userId === userId) ??
      this.#sealed.seal(Buffer.concat([uuidBytes(userId), uuidBytes(randomUUID())]))
    );
  }

  /** The device that one of the tokens marks as the user's; null if none does. */
  find(userId: string, presented: readonly string[]): string | null {
    for (const token of presented) {
      const content = this.#read(token);
      if (content?.userId === userId) return content.device;
    }
    return null;
  }

  #read(token: string): { userId: string; device: string } | null {
    const content = this.#sealed.open(token);
    return content && { userId: uuidFrom(content), device: uuidFrom(content.subarray(UUID_BYTES)) };
  }
}
