// The GraphQL types of emails that are not sent yet. How they are queued is in mail/queue.ts.
import { Field, ID, Int, ObjectType, registerEnumType } from "type-graphql";

import {
  MAIL_STATES,
  QUEUED_EMAIL_STATES,
  type QueuedEmail,
  type QueuedEmailState,
} from "../accounts/model/queued-email.ts";
import { UserObject } from "./user.object.ts";

export const QueuedEmailStates = Object.fromEntries(
  MAIL_STATES.map((state) => [state.toUpperCase(), state]),
) as Record<Uppercase<QueuedEmailState>, QueuedEmailState>;

registerEnumType(QueuedEmailStates, {
  name: "QueuedEmailState",
  description: "What has become of an email so far.",
  valuesConfig: Object.fromEntries(
    MAIL_STATES.map((state) => [state.toUpperCase(), { description: QUEUED_EMAIL_STATES[state] }]),
  ),
});

@ObjectType("QueuedEmail", {
  description:
    "An email that is to be sent, or that was sent within the last day. Never its text, its link or its token.",
})
export class QueuedEmailObject {
  @Field(() => ID, { description: "The ID of the email, which is also in the log." })
  id!: string;

  @Field(() => String, {
    description:
      "Which email it is: the name of its template, such as `registration`, `reset` or `password-changed`.",
  })
  kind!: string;

  @Field(() => QueuedEmailStates, { description: "What has become of it so far." })
  state!: QueuedEmailState;

  @Field(() => UserObject, {
    nullable: true,
    description:
      "The user whom it is about. It goes to the user's email address, except that an email about a change of the address can " +
      "go to the former or the new one. Null if the account is gone or, where existence is hidden, never was.",
  })
  user!: UserObject | null;

  @Field(() => Date, { description: "When it was requested." })
  createdAt!: Date;

  @Field(() => Date, {
    nullable: true,
    description:
      "When it is tried next, at the earliest. Null if it is not `WAITING` or `RETRYING`. While the SMTP server takes no emails at all, " +
      "it can be in the past.",
  })
  nextAttemptAt!: Date | null;

  @Field(() => Int, {
    description: "How often it was tried. Attempts during an outage of the SMTP server count.",
  })
  attempts!: number;

  @Field(() => String, {
    nullable: true,
    description:
      "Why the last attempt failed, for people, as plain text: the command and the reply codes of the SMTP server, but not its words, " +
      "which may quote the email. Null if none has failed.",
  })
  lastError!: string | null;

  static of(email: QueuedEmail): QueuedEmailObject {
    return Object.assign(new QueuedEmailObject(), {
      ...email,
      user: email.user && UserObject.of(email.user),
    } satisfies Pick<QueuedEmailObject, keyof QueuedEmailObject>);
  }
}

@ObjectType({ description: "How many emails of the queue are in each state." })
export class QueuedEmailCounts {
  @Field(() => Int, { description: "How many are `WAITING`." })
  waiting!: number;

  @Field(() => Int, { description: "How many are `SENDING`." })
  sending!: number;

  @Field(() => Int, { description: "How many are `RETRYING`." })
  retrying!: number;

  @Field(() => Int, { description: "How many have `FAILED`, and wait for a decision." })
  failed!: number;

  @Field(() => Int, { description: "How many are `DONE`, of the last day." })
  done!: number;
}
