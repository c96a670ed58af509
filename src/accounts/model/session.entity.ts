// A device that is logged in, and the refresh tokens that keep it logged in.
import { defineEntity, p } from "@mikro-orm/core";

import { UserSchema } from "./user.entity.ts";

export const SessionSchema = defineEntity({
  name: "Session",
  tableName: "sessions",
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(UserSchema).deleteRule("cascade").index("sessions_user_id_index"),
    ip: p.text().name("address").nullable(),
    /** As it was sent, at most 512 characters. */
    userAgent: p.text().nullable(),
    createdAt: p.datetime(3),
    /** When the refresh token was last used. */
    lastUsedAt: p.datetime(3),
    /** The earlier of idle and absolute lifetime; moves with each use. */
    expiresAt: p.datetime(3).index("sessions_expires_at_index"),
    /** When the password was last given in it, by the database's clock; null if it never was (store/step-up.ts). */
    passwordConfirmedAt: p.datetime(3).nullable(),
  },
});

export class Session extends SessionSchema.class {}

SessionSchema.setClass(Session);

export const RefreshTokenSchema = defineEntity({
  name: "RefreshToken",
  tableName: "refresh_tokens",
  properties: {
    /** SHA-256; the token itself is not stored. It has 256 random bits, so a slow hash is not needed. */
    hash: p.blob().primary(),
    session: () => p.manyToOne(SessionSchema).deleteRule("cascade").index("refresh_tokens_session_id_index"),
    /** When its successor was issued. Using the token after that reveals a copy. */
    spentAt: p.datetime(3).nullable(),
  },
});

export class RefreshToken extends RefreshTokenSchema.class {}

RefreshTokenSchema.setClass(RefreshToken);
