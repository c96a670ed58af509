// Signed tokens, one kind for each purpose. The only file that imports jsonwebtoken, which by itself accepts a token without
// `exp`, of any `typ` and with any HMAC algorithm. Everything is pinned here (RFC 8725).
import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";

import jwt from "jsonwebtoken";
import { LRUCache } from "lru-cache";

const ALGORITHM = "HS256";
const ISSUER = "account-server";

/** access: who is logged in. The others: the link in the email of that name. */
const PURPOSES = ["access", "registration", "reset", "email-change", "email-undo"] as const;
export type TokenPurpose = (typeof PURPOSES)[number];

/** The user, and the version of the user's credentials, that a token is bound to. Once the version has changed, the token is void. */
export interface TokenSubject {
  readonly userId: string;
  readonly credentialVersion: number;
  /** What else the token is bound to: the session of an access token, the email change of a link. */
  readonly reference?: string;
}

export interface IssuedToken {
  readonly token: string;
  readonly expiresAt: Date;
}

/** A token whose signature and claims are valid. */
interface VerifiedToken {
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  readonly subject: TokenSubject;
}

/** About 600 bytes each. */
const VERIFIED_MAX = 5_000;

/** Issues and reads tokens. */
export class Tokens {
  readonly #keys: Record<TokenPurpose, KeyObject>;
  readonly #minutes: Record<TokenPurpose, number>;
  readonly #now: () => Date;
  /** Recent access tokens: verifying one takes a quarter of the time of a request. */
  readonly #verified = new LRUCache<string, VerifiedToken>({ max: VERIFIED_MAX });

  /** @param minutes how long a token of each purpose is valid */
  constructor(secret: string, minutes: Record<TokenPurpose, number>, now: () => Date) {
    // One derived key for each purpose (RFC 5869), so that a token of one can never pass for another, even if a check below were
    // forgotten. A KeyObject, because jsonwebtoken tries to parse a Buffer as a public key each time.
    const key = (purpose: TokenPurpose) =>
      createSecretKey(Buffer.from(hkdfSync("sha256", secret, "", `${ISSUER}/${purpose}`, 32)));
    this.#keys = Object.fromEntries(PURPOSES.map((purpose) => [purpose, key(purpose)])) as Record<
      TokenPurpose,
      KeyObject
    >;
    this.#minutes = minutes;
    this.#now = now;
  }

  /** How many minutes a token of this purpose is valid. */
  minutes(purpose: TokenPurpose): number {
    return this.#minutes[purpose];
  }

  /** When a token of this purpose that is issued now expires; in whole seconds, as in the token. */
  expiry(purpose: TokenPurpose): Date {
    return new Date((seconds(this.#now()) + this.#minutes[purpose] * 60) * 1000);
  }

  /** @param notAfter when the token expires at the latest */
  issue(purpose: TokenPurpose, subject: TokenSubject, notAfter?: Date): IssuedToken {
    const expiry = this.expiry(purpose);
    const expiresAt = notAfter && notAfter < expiry ? notAfter : expiry;
    const { credentialVersion: ver, reference: ref } = subject;
    const claims = {
      ver,
      ...(ref !== undefined && { ref }),
      iat: seconds(this.#now()),
      exp: seconds(expiresAt),
    };
    const token = jwt.sign(claims, this.#keys[purpose], {
      algorithm: ALGORITHM,
      header: { alg: ALGORITHM, typ: type(purpose) },
      issuer: ISSUER,
      audience: audience(purpose),
      subject: subject.userId,
    });
    return { token, expiresAt };
  }

  /** What a valid token of this purpose is bound to; null for any other text. */
  read(purpose: TokenPurpose, token: string): TokenSubject | null {
    const verified = purpose === "access" ? this.#verifyOnce(token) : this.#verify(purpose, token);
    return verified && verified.expiresAt > seconds(this.#now()) ? verified.subject : null;
  }

  #verifyOnce(accessToken: string): VerifiedToken | null {
    const known = this.#verified.get(accessToken);
    if (known) return known;
    const verified = this.#verify("access", accessToken);
    if (verified) this.#verified.set(accessToken, verified);
    return verified;
  }

  /** Checks everything but the expiry, because only that changes with time. */
  #verify(purpose: TokenPurpose, token: string): VerifiedToken | null {
    try {
      const { header, payload } = jwt.verify(token, this.#keys[purpose], {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        audience: audience(purpose),
        clockTimestamp: seconds(this.#now()),
        complete: true,
      });
      if (header.typ !== type(purpose) || typeof payload !== "object") return null;
      const { sub, exp, ["ver"]: version, ["ref"]: reference } = payload;
      if (typeof sub !== "string" || typeof exp !== "number" || !Number.isSafeInteger(version)) return null;
      const subject = { userId: sub, credentialVersion: version as number };
      return {
        expiresAt: exp,
        subject: typeof reference === "string" ? { ...subject, reference } : subject,
      };
    } catch (error) {
      // jsonwebtoken does not catch the parser's error if the payload is not JSON.
      if (error instanceof jwt.JsonWebTokenError || error instanceof SyntaxError) return null;
      throw error;
    }
  }
}

const type = (purpose: TokenPurpose) => `${purpose}+jwt`;
const audience = (purpose: TokenPurpose) => `${ISSUER}/${purpose}`;
const seconds = (date: Date) => Math.floor(date.getTime() / 1000);
