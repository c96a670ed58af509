// The GraphQL type of an entry in the audit trail.
import { Field, ID, Int, ObjectType, registerEnumType } from "type-graphql";

import {
  ACCOUNT_EVENT_TYPES,
  AccountEventActor,
  type AccountEvent,
  type AccountEventType,
} from "../accounts/model/account-event.entity.ts";
import { deviceOf } from "../accounts/model/device.ts";

const EventTypes = Object.fromEntries(Object.keys(ACCOUNT_EVENT_TYPES).map((type) => [type, type])) as Record<
  AccountEventType,
  AccountEventType
>;

registerEnumType(EventTypes, {
  name: "AccountEventType",
  description: "The kinds of events in an audit trail.",
  valuesConfig: Object.fromEntries(
    Object.entries(ACCOUNT_EVENT_TYPES).map(([type, description]) => [type, { description }]),
  ),
});

registerEnumType(AccountEventActor, {
  name: "AccountEventActor",
  description: "Who caused an event.",
  valuesConfig: {
    ANYONE: { description: "Someone who was not logged in." },
    OWNER: { description: "The owner of the account." },
    ADMIN: { description: "An administrator." },
    OPERATOR: { description: "The operator, at the command line." },
  },
});

@ObjectType("AccountEvent", {
  description:
    "An entry in the audit trail of an account. Entries never change, except that repetitions of a refused or requested " +
    "operation within an hour are counted in one entry.",
})
export class AccountEventObject {
  @Field(() => ID, { description: "The ID of the event." })
  id!: string;

  @Field(() => EventTypes, { description: "The kind of event." })
  type!: AccountEventType;

  @Field(() => Date, { description: "When the event first occurred." })
  occurredAt!: Date;

  @Field(() => Int, {
    description:
      "How often the event occurred, from the same network and within the same hour. Other than 1 only for events that change " +
      "nothing, such as `LOGIN_FAILED`.",
  })
  count!: number;

  @Field(() => Date, {
    description: "When the event last occurred. The same as `occurredAt` if `count` is 1.",
  })
  lastOccurredAt!: Date;

  @Field(() => String, {
    nullable: true,
    description:
      "The IP address of the client. Null for an event caused by the operator at the command line.",
  })
  address!: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "The client's browser and operating system, read from the User-Agent header as in `Session.device`. " +
      "Null if the client sent no such header.",
  })
  device!: string | null;

  @Field(() => AccountEventActor, { description: "Who caused the event." })
  actor!: AccountEventActor;

  @Field(() => ID, {
    nullable: true,
    description: "The ID of the owner or administrator who caused the event. Null for any other `actor`.",
  })
  actorId!: string | null;

  static of(event: AccountEvent): AccountEventObject {
    const { id, type, occurredAt, ip = null, userAgent, actor, actorId = null } = event;
    const { count, lastOccurredAt } = event;
    const fields = {
      ...{ id, type, occurredAt, address: ip, actor, actorId, count },
      lastOccurredAt: lastOccurredAt ?? occurredAt,
    };
    return Object.assign(new AccountEventObject(), fields, { device: deviceOf(userAgent) });
  }
}
