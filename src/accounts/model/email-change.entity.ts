// A requested change of the email address, which waits for the link in the email to the new address. The undo of a change is the
// change back, and its link goes to the old address.
import { randomUUID } from "node:crypto";

import { defineEntity, p } from "@mikro-orm/core";

import { UserSchema, type User } from "./user.entity.ts";

export const EmailChangeSchema = defineEntity({
  name: "EmailChange",
  tableName: "email_changes",
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(UserSchema).deleteRule("cascade").index("email_changes_user_id_index"),
    oldEmail: p.text(),
    newEmail: p.text(),
    isUndo: p.boolean(),
    requestedAt: p.datetime(3).index("email_changes_requested_at_index"),
    /** When an undo ends whose end was asked for. Any other ends when its link expires. */
    endsAt: p.datetime(3).nullable(),
  },
});

export class EmailChange extends EmailChangeSchema.class {
  static of(user: User, values: { newEmail: string; isUndo: boolean; now: Date }): EmailChange {
    const { newEmail, isUndo, now } = values;
    return Object.assign(new EmailChange(), {
      id: randomUUID(),
      user,
      oldEmail: user.email,
      newEmail,
      isUndo,
      requestedAt: now,
      endsAt: null,
    });
  }
}

EmailChangeSchema.setClass(EmailChange);
