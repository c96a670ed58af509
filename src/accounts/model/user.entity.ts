// The account as it is stored. graphql/user.object.ts is what clients see of it.
import { randomUUID } from "node:crypto";

import { defineEntity, p } from "@mikro-orm/core";

import { foldCase } from "../rules/fold-case.ts";
import { daysAfter } from "./days.ts";

/** How long a username that was given up is kept for its owner, so that nobody passes for them. */
const FORMER_USERNAME_DAYS = 30;

/** What a user may do. */
export const Role = { USER: "USER", ADMIN: "ADMIN" } as const;
export type Role = (typeof Role)[keyof typeof Role];

export const UserSchema = defineEntity({
  name: "User",
  tableName: "users",
  properties: {
    id: p.uuid().primary(),
    username: p.text(),
    email: p.text(),
    // PostgreSQL folds both by ASCII rules, so that no path into the table can forget to. Collation "C" also lets the index find
    // prefixes.
    usernameKey: p
      .text()
      .collation("C")
      .generated(`(lower("username" collate "C")) stored`)
      .unique("users_username_key"),
    emailKey: p.text().collation("C").generated(`(lower("email" collate "C")) stored`),
    passwordHash: p.text(),
    /** BCP 47; one of the locales of the emails. */
    locale: p.text().default("en"),
    roles: p.enum(() => Role).array(),
    isActive: p.boolean(),
    /** When the confirmation link expires. After that, another registration may take its place. Null for an active account. */
    confirmationExpiresAt: p.datetime(3).nullable(),
    /**
     * Whether more than one registration of the email address is known, so that whoever opens the confirmation link may not be the
     * one who chose the password. The link then asks for a new one. False once the account is active.
     */
    isContested: p.boolean().default(false),
    /** The device of whoever registered it, such as `Firefox, Linux`. Null if it is unknown, and once the account is active. */
    registrationDevice: p.text().nullable(),
    /** Every token carries it and is valid only while it matches (docs/security.md). */
    credentialVersion: p.integer(),
    /** Set by an administrator. While it is set, no login, link or token works. */
    deactivatedAt: p.datetime(3).nullable(),
    /** When a deleted account is erased. Logging in before that restores it. Null unless deleted. */
    eraseAt: p.datetime(3).nullable(),
    /** A username that was given up, with A to Z in lower case. */
    formerUsername: p.text().nullable(),
    /** Until then, nobody else can take the former username. */
    formerUsernameUntil: p.datetime(3).nullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
  uniques: [{ name: "users_email_key", properties: ["emailKey", "isActive"] }],
  checks: [{ name: "users_pending_check", expression: "is_active = (confirmation_expires_at is null)" }],
  indexes: [
    {
      name: "users_confirmation_expires_at_index",
      properties: ["confirmationExpiresAt"],
      where: "not is_active",
    },
    { name: "users_erase_at_index", properties: ["eraseAt"], where: "erase_at is not null" },
    { name: "users_created_at_id_index", properties: ["createdAt", "id"] },
    {
      name: "users_former_username_index",
      properties: ["formerUsername"],
      where: "former_username is not null",
    },
  ],
});

/** An account. It is inactive until the link in its confirmation email is used. */
export class User extends UserSchema.class {
  /** @param values.confirmationExpiresAt null for an account that is active from the start */
  static create(values: {
    username: string;
    email: string;
    passwordHash: string;
    locale: string;
    roles?: readonly Role[];
    confirmationExpiresAt: Date | null;
    registrationDevice?: string | null;
    createdAt?: Date;
    now: Date;
  }): User {
    const { now, roles = [Role.USER], createdAt = now, registrationDevice = null, ...rest } = values;
    return Object.assign(new User(), rest, {
      registrationDevice,
      isContested: false,
      id: randomUUID(),
      roles: Object.values(Role).filter((role) => roles.includes(role)),
      isActive: rest.confirmationExpiresAt === null,
      credentialVersion: 1,
      createdAt,
      updatedAt: now,
    });
  }

  activate(now: Date): void {
    this.isActive = true;
    this.confirmationExpiresAt = null;
    this.isContested = false;
    this.registrationDevice = null;
    this.endOlderTokens(now);
  }

  /**
   * Takes another username. The old one is kept for a while; of several, the first, which is the one that others know. Going back
   * to it ends that.
   */
  rename(username: string, now: Date): void {
    const [oldKey, newKey] = [foldCase(this.username), foldCase(username)];
    const keeps = this.formerUsernameUntil != null && this.formerUsernameUntil > now;
    if (keeps && newKey === this.formerUsername) {
      this.formerUsername = null;
      this.formerUsernameUntil = null;
    } else if (!keeps && newKey !== oldKey) {
      this.formerUsername = oldKey;
      this.formerUsernameUntil = daysAfter(now, FORMER_USERNAME_DAYS);
    }
    this.username = username;
    this.updatedAt = now;
  }

  /** Voids every token that was issued before. */
  endOlderTokens(now: Date): void {
    this.credentialVersion += 1;
    this.updatedAt = now;
  }
}

UserSchema.setClass(User);
