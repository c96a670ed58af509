// A device that is logged in.
import { defineEntity, p } from "@mikro-orm/core";

import { UserSchema } from "./user.entity.ts";

export const SessionSchema = defineEntity({
  name: "Session",
  tableName: "sessions",
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(UserSchema).deleteRule("cascade").index("sessions_user_id_index"),
    ip: p.text().name("address").nullable(),
    /** At most 256 characters of what was sent, without control characters. */
    userAgent: p.text().nullable(),
    createdAt: p.datetime(3),
    /** When the refresh token was last used. */
    lastUsedAt: p.datetime(3),
    /** The earlier of idle and absolute lifetime; moves with each use. */
    expiresAt: p.datetime(3).index("sessions_expires_at_index"),
    /** The number of the newest refresh token that was used; 0 if none was. Using an older one reveals a copy. */
    usedToken: p.integer().default(0),
    /** When the password was last given in it, by the database's clock; null if it never was (store/step-up.ts). */
    passwordConfirmedAt: p.datetime(3).nullable(),
  },
});

export class Session extends SessionSchema.class {}

SessionSchema.setClass(Session);
