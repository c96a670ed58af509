// The one door to accounts: every use case, each either done whole or refused with an AccountError. No
// transaction or connection is held while a password is hashed.
import { createHash, randomUUID } from "node:crypto";

import { LockMode, type EntityManager } from "@mikro-orm/postgresql";

import type { MailQueue } from "../mail/queue.ts";
import { AccountError } from "./account-error.ts";
import type { AccountMail, AccountMailName } from "./account-mails.ts";
import { checkArguments } from "./arguments.ts";
import { foldCase } from "./fold-case.ts";
import type { Passwords } from "./passwords.ts";
import type { IssuedToken, TokenPurpose, Tokens, TokenSubject } from "./tokens.ts";
import { User } from "./user.entity.ts";
import { insertUser, replacePasswordHash } from "./user-table.ts";

/** Who is signed in from now on, and with what. */
export interface SignIn {
  readonly accessToken: IssuedToken;
  readonly user: User;
}

export interface AccountsParts {
  readonly em: EntityManager;
  readonly mailQueue: MailQueue<AccountMail>;
  readonly passwords: Passwords;
  readonly tokens: Tokens;
  /** The locale of the mails that suits best, of those preferred in this order. */
  readonly pickLocale: (preferences: readonly string[]) => string;
  readonly now: () => Date;
  readonly hideAccountExistence: boolean;
}

const WEEK_IN_MS = 7 * 24 * 60 * 60 * 1000;
/** The only thing that register, resendRegistration and requestReset say under HIDE_ACCOUNT_EXISTENCE. */
const ONE_ANSWER = "If the request can be met, a mail with the next step is on its way.";

/** The use cases; one instance serves all requests. */
export class Accounts {
  readonly #em: EntityManager;
  readonly #mailQueue: MailQueue<AccountMail>;
  readonly #passwords: Passwords;
  readonly #tokens: Tokens;
  readonly #pickLocale: AccountsParts["pickLocale"];
  readonly #now: () => Date;
  readonly #hidesExistence: boolean;

  constructor(parts: AccountsParts) {
    this.#em = parts.em;
    this.#mailQueue = parts.mailQueue;
    this.#passwords = parts.passwords;
    this.#tokens = parts.tokens;
    this.#pickLocale = parts.pickLocale;
    this.#now = parts.now;
    this.#hidesExistence = parts.hideAccountExistence;
  }

  /**
   * Stores a pending account and enqueues its confirmation mail, both or neither.
   * @param args.locale of the mails to come, as a BCP 47 tag; an unknown one falls back to English
   * @param acceptedLocales asked where no locale is given, the preferred one first
   * @returns a message that names the user
   * @throws {AccountError} BAD_USER_INPUT, WEAK_PASSWORD, SERVER_BUSY, USERNAME_TAKEN, EMAIL_TAKEN
   */
  async register(
    args: { username: string; email: string; password: string; locale?: string },
    acceptedLocales: readonly string[] = [],
  ): Promise<string> {
    checkArguments({ ...args }, ["username", "email"]);
    const locale = this.#pickLocale(args.locale === undefined ? acceptedLocales : [args.locale]);
    this.#passwords.checkStrength(args.password, args);
    const passwordHash = await this.#passwords.hash(args.password);
    await this.#em.fork().transactional(async (em) => {
      await takeTurns(em, [`username ${foldCase(args.username)}`, `email ${foldCase(args.email)}`]);
      const replaced = await this.#replaceable(em, args);
      // Deleted without looking whether there is any: under HIDE_ACCOUNT_EXISTENCE the same statements run
      // whatever the address's account is.
      await em.nativeDelete(User, { id: { $in: replaced.map(({ id }) => id) } });
      const user = User.pending({
        username: args.username,
        email: args.email,
        passwordHash,
        locale,
        confirmationExpiresAt: this.#tokens.expiry("registration"),
        now: this.#now(),
      });
      await insertUser(em, user);
      await this.#enqueue(em, "registration", user);
    });
    return this.#hidesExistence ? ONE_ANSWER : `A confirmation mail is on its way to user ${args.username}.`;
  }

  /**
   * Activates the account that the mailed token belongs to and signs its owner in.
   * @throws {AccountError} BAD_USER_INPUT, INVALID_TOKEN
   */
  async finalizeRegistration(token: string): Promise<SignIn> {
    checkArguments({ token });
    const subject = this.#readMailedToken("registration", token);
    return this.#em.fork().transactional(async (em) => {
      const user = await this.#lockOwner(em, subject, false);
      // In the row that no link can activate: another account has confirmed the address.
      if ((await em.count(User, { emailKey: user.emailKey, isActive: true })) > 0) throw invalidToken();
      user.activate(this.#now());
      await em.flush();
      return this.#signIn(user);
    });
  }

  /**
   * Sends a new confirmation link; older ones stay good until one is used.
   * @throws {AccountError} BAD_USER_INPUT, EMAIL_NOT_FOUND, ALREADY_ACTIVATED
   */
  async resendRegistration(email: string): Promise<string> {
    checkArguments({ email }, ["email"]);
    await this.#em.fork().transactional(async (em) => {
      const user = await this.#findByEmail(em, email);
      if (!this.#hidesExistence) {
        if (!user) throw emailNotFound(email);
        if (user.isActive) {
          throw new AccountError(
            "ALREADY_ACTIVATED",
            `The account of ${email} is activated already: log in.`,
            { field: "email" },
          );
        }
      }
      await em.nativeUpdate(
        User,
        { emailKey: foldCase(email), isActive: false },
        { confirmationExpiresAt: this.#tokens.expiry("registration") },
      );
      await this.#enqueue(em, "registration", user);
    });
    return this.#hidesExistence ? ONE_ANSWER : `A confirmation mail is on its way to ${email}.`;
  }

  /**
   * Signs in with a username or an email address.
   * @throws {AccountError} BAD_USER_INPUT, INVALID_CREDENTIALS, ACCOUNT_NOT_ACTIVATED, SERVER_BUSY
   */
  async login(username: string, password: string): Promise<SignIn> {
    checkArguments({ username, password });
    const em = this.#em.fork();
    const user = username.includes("@")
      ? await this.#findByEmail(em, username)
      : await em.findOne(User, { usernameKey: foldCase(username) });
    const matches = await this.#passwords.verify(user?.passwordHash ?? null, password);
    if (!user || !matches || (!user.isActive && this.#hidesExistence)) {
      throw new AccountError("INVALID_CREDENTIALS", "Unknown user or wrong password.");
    }
    if (!user.isActive) {
      throw notActivated(
        `The account of ${user.username} is not activated: use the link in the confirmation mail, or have it sent again.`,
        "username",
      );
    }
    if (this.#passwords.isOutdated(user.passwordHash)) await this.#rehash(em, user, password);
    return this.#signIn(user);
  }

  /**
   * Mails a link that sets a new password; older ones stay good until one is used.
   * @throws {AccountError} BAD_USER_INPUT, EMAIL_NOT_FOUND, ACCOUNT_NOT_ACTIVATED
   */
  async requestReset(email: string): Promise<string> {
    checkArguments({ email }, ["email"]);
    await this.#em.fork().transactional(async (em) => {
      const user = await this.#findByEmail(em, email);
      if (!this.#hidesExistence) {
        if (!user) throw emailNotFound(email);
        if (!user.isActive) {
          throw notActivated(
            `The account of ${email} is not activated: use the link in the confirmation mail first, or have it sent again.`,
            "email",
          );
        }
      }
      await this.#enqueue(em, "reset", user);
    });
    return this.#hidesExistence ? ONE_ANSWER : `A mail to reset the password is on its way to ${email}.`;
  }

  /**
   * Sets a new password, ends every older access token and link, tells the owner by mail, and signs in.
   * @throws {AccountError} BAD_USER_INPUT, INVALID_TOKEN, WEAK_PASSWORD, SERVER_BUSY
   */
  async finalizeReset(token: string, password: string): Promise<SignIn> {
    checkArguments({ token, password });
    const subject = this.#readMailedToken("reset", token);
    const owner = await this.#em.fork().findOne(User, { id: subject.userId });
    if (!owner || !isBoundTo(subject, owner) || !owner.isActive) throw invalidToken();
    this.#passwords.checkStrength(password, owner);
    const passwordHash = await this.#passwords.hash(password);
    return this.#em.fork().transactional(async (em) => {
      const user = await this.#lockOwner(em, subject, true);
      await replacePasswordHash(em, user, passwordHash);
      user.endOlderTokens(this.#now());
      await em.flush();
      await this.#enqueue(em, "password-changed", user);
      return this.#signIn(user);
    });
  }

  /** The user that a good access token belongs to; null for any other token. */
  async authenticate(accessToken: string): Promise<User | null> {
    const subject = this.#tokens.read("access", accessToken);
    if (!subject) return null;
    const user = await this.#em.fork().findOne(User, { id: subject.userId });
    return user?.isActive && isBoundTo(subject, user) ? user : null;
  }

  /** Removes accounts whose confirmation expired more than a week ago. */
  async removeExpired(): Promise<number> {
    const before = new Date(this.#now().getTime() - WEEK_IN_MS);
    return this.#em.fork().nativeDelete(User, { isActive: false, confirmationExpiresAt: { $lt: before } });
  }

  /**
   * The pending accounts whose place this registration takes.
   * @throws {AccountError} USERNAME_TAKEN, EMAIL_TAKEN
   */
  async #replaceable(em: EntityManager, args: { username: string; email: string }): Promise<User[]> {
    const usernameKey = foldCase(args.username);
    const emailKey = foldCase(args.email);
    // Locked, so that none of them is activated meanwhile; in one order, so that two of us cannot deadlock.
    const found = await em.find(
      User,
      { $or: [{ usernameKey }, { emailKey }] },
      { orderBy: { id: "asc" }, lockMode: LockMode.PESSIMISTIC_WRITE },
    );
    // Where existence is hidden, whoever owns the mailbox decides, so an address's pending row always gives way.
    const isReplaceable = (user: User) =>
      user.isExpiredAt(this.#now()) || (this.#hidesExistence && !user.isActive && user.emailKey === emailKey);
    const kept = found.filter((user) => !isReplaceable(user));
    if (kept.some((user) => user.usernameKey === usernameKey)) {
      throw new AccountError("USERNAME_TAKEN", `The username ${args.username} is taken: choose another.`, {
        field: "username",
      });
    }
    const holders = kept.filter((user) => user.emailKey === emailKey);
    if (holders.length > 0 && !this.#hidesExistence) {
      const message = holders.some((user) => user.isActive)
        ? `An account with the address ${args.email} exists already: log in, or reset its password.`
        : `The address ${args.email} waits for its confirmation: use the link in the mail, or have it sent again with resendRegistration.`;
      throw new AccountError("EMAIL_TAKEN", message, { field: "email" });
    }
    return found.filter(isReplaceable);
  }

  /** An address may have a pending row beside the active one; the active one is the account. */
  #findByEmail(em: EntityManager, email: string): Promise<User | null> {
    return em.findOne(User, { emailKey: foldCase(email) }, { orderBy: { isActive: "desc" } });
  }

  /** @throws {AccountError} INVALID_TOKEN */
  #readMailedToken(purpose: TokenPurpose, token: string): TokenSubject {
    const subject = this.#tokens.read(purpose, token);
    if (!subject) throw invalidToken();
    return subject;
  }

  /**
   * Locks the row first and checks it then: of two racing redemptions the second sees the moved version.
   * @throws {AccountError} INVALID_TOKEN
   */
  async #lockOwner(em: EntityManager, subject: TokenSubject, isActive: boolean): Promise<User> {
    const user = await em.findOne(User, { id: subject.userId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (!user || !isBoundTo(subject, user) || user.isActive !== isActive) throw invalidToken();
    return user;
  }

  #signIn(user: User): SignIn {
    return { user, accessToken: this.#tokens.issue("access", subjectOf(user)) };
  }

  /** Only if the hash is still the one just verified: a reset that went through meanwhile wins. */
  async #rehash(em: EntityManager, user: User, password: string): Promise<void> {
    try {
      const passwordHash = await this.#passwords.hash(password);
      await replacePasswordHash(em, user, passwordHash);
    } catch (error) {
      // SERVER_BUSY is no reason to refuse a right password: the next login tries again.
      if (!(error instanceof AccountError)) throw error;
    }
  }

  /** Without a user (which only happens where existence is hidden) the job costs the same and the worker drops it. */
  #enqueue(em: EntityManager, mail: AccountMailName, user: User | null): Promise<void> {
    const subject = user ? subjectOf(user) : { userId: randomUUID(), credentialVersion: 0 };
    return this.#mailQueue.enqueue(em, { mail, ...subject, requestedAt: this.#now().toISOString() });
  }
}

/** Registrations of one username or one address wait for each other, also while no row exists yet to lock. */
async function takeTurns(em: EntityManager, names: string[]): Promise<void> {
  const keys = names.map((name) => createHash("sha256").update(name).digest().readBigInt64BE());
  const inOrder = keys.sort((a, b) => (a < b ? -1 : 1)); // or two of us could wait for each other
  await em.execute(`select ${inOrder.map((key) => `pg_advisory_xact_lock(${key})`).join(", ")}`);
}

const subjectOf = (user: User): TokenSubject => ({
  userId: user.id,
  credentialVersion: user.credentialVersion,
});

const isBoundTo = (subject: TokenSubject, user: User) => subject.credentialVersion === user.credentialVersion;

function invalidToken(): AccountError {
  return new AccountError(
    "INVALID_TOKEN",
    "The link is not valid: it has expired, was used already, or a newer one was used. Ask for a new one.",
    {
      field: "token",
    },
  );
}

function emailNotFound(email: string): AccountError {
  return new AccountError("EMAIL_NOT_FOUND", `No account has the address ${email}.`, { field: "email" });
}

function notActivated(message: string, field: string): AccountError {
  return new AccountError("ACCOUNT_NOT_ACTIVATED", message, { field });
}
