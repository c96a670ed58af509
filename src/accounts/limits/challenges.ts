// Proof of work (ALTCHA, self-hosted), for attacks from so many addresses that limits by address do not meet them: each try costs
// the client about half a second of a core. The only file that imports altcha-lib.
import { hkdfSync } from "node:crypto";

import { createChallenge, randomInt, verifySolution } from "altcha-lib";
import { deriveKey } from "altcha-lib/algorithms/pbkdf2";
import type { Challenge, Payload } from "altcha-lib/types";

/** Browsers have PBKDF2 but no memory-hard function. One key takes about half a millisecond. */
const ALGORITHM = "PBKDF2/SHA-256";
const COST = 2_000;
/** How many keys a client derives until it finds the one. */
const KEYS = { min: 500, max: 1_500 };
/** Also how long a redeemed challenge is remembered. */
export const CHALLENGE_SECONDS = 300;

export class Challenges {
  readonly #secrets: { hmacSignatureSecret: string; hmacKeySignatureSecret: string };

  readonly #now: () => Date;

  constructor(secret: string, now: () => Date) {
    this.#now = now;
    const key = (purpose: string) =>
      Buffer.from(hkdfSync("sha256", secret, "", `account-server/${purpose}`, 32)).toString("hex");
    this.#secrets = {
      hmacSignatureSecret: key("challenge"),
      hmacKeySignatureSecret: key("challenge-solution"),
    };
  }

  /** A challenge for ALTCHA's clients (version 2). */
  create(): Promise<Challenge> {
    return createChallenge({
      ...this.#secrets,
      algorithm: ALGORITHM,
      cost: COST,
      counter: randomInt(KEYS.min, KEYS.max),
      deriveKey,
      // Not as altcha-lib's own parameter, which it compares with the clock of this machine.
      data: { expiresAt: this.#seconds() + CHALLENGE_SECONDS },
    });
  }

  /**
   * What identifies the challenge that the text solves, so that each counts once; null if it solves none of this server.
   * @param solution ALTCHA's payload: base64 of JSON
   */
  async solved(solution: string): Promise<string | null> {
    try {
      const payload = JSON.parse(Buffer.from(solution, "base64").toString()) as Payload;
      const { challenge, solution: key } = payload;
      const { verified } = await verifySolution({ ...this.#secrets, challenge, solution: key, deriveKey });
      const { nonce, data } = challenge.parameters;
      return verified && Number(data?.["expiresAt"]) > this.#seconds() ? nonce : null;
    } catch {
      return null; // altcha-lib throws at what is no payload
    }
  }

  #seconds(): number {
    return Math.floor(this.#now().getTime() / 1000);
  }
}
