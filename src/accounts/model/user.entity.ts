// The account as it is stored. What clients see of it is graphql/user.object.ts.
import { randomUUID } from "node:crypto";

import { defineEntity, p } from "@mikro-orm/core";

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
    // PostgreSQL folds both by ASCII rules (collation "C"), so no path into the table can forget to. In its order, too, or
    // an index would not find what begins with a text.
    usernameKey: p
      .text()
      .collation("C")
      .generated(`(lower("username" collate "C")) stored`)
      .unique("users_username_key"),
    emailKey: p.text().collation("C").generated(`(lower("email" collate "C")) stored`),
    passwordHash: p.text(),
    /** BCP 47: the one of the mails' locales that the user reads best. */
    locale: p.text().default("en"),
    roles: p.enum(() => Role).array(),
    isActive: p.boolean(),
    /** Null once active. Before it the account waits for its confirmation, after it another may take its place. */
    confirmationExpiresAt: p.datetime(3).nullable(),
    /** Every token carries it and is good only while it matches; see docs/security.md. */
    credentialVersion: p.integer(),
    /** Set by an administrator: no login, no link and no token is good while it is. */
    deactivatedAt: p.datetime(3).nullable(),
    /** Set once its owner has deleted the account: until then, signing in restores it. */
    eraseAt: p.datetime(3).nullable(),
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
  ],
});

/** An account; a pending one is inactive until the link of its confirmation mail is used. */
export class User extends UserSchema.class {
  /** @param values.confirmationExpiresAt null for an account that is active from the start */
  static create(values: {
    username: string;
    email: string;
    passwordHash: string;
    locale: string;
    roles?: readonly Role[];
    confirmationExpiresAt: Date | null;
    createdAt?: Date;
    now: Date;
  }): User {
    const { now, roles = [Role.USER], createdAt = now, ...rest } = values;
    return Object.assign(new User(), rest, {
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
    this.endOlderTokens(now);
  }

  /** Ends every token that was issued before. */
  endOlderTokens(now: Date): void {
    this.credentialVersion += 1;
    this.updatedAt = now;
  }
}

UserSchema.setClass(User);
