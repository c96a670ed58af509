// What users and administrators see of the audit trail.
import { Field, GraphQLISODateTime, ID, ObjectType, registerEnumType } from "type-graphql";

import {
  ACCOUNT_EVENT_TYPES,
  AccountEventActor,
  type AccountEvent,
  type AccountEventType,
} from "../accounts/model/account-event.entity.ts";
import { deviceOf } from "./session.object.ts";

const EventTypes = Object.fromEntries(Object.keys(ACCOUNT_EVENT_TYPES).map((type) => [type, type])) as Record<
  AccountEventType,
  AccountEventType
>;

registerEnumType(EventTypes, {
  name: "AccountEventType",
  description: "What happened.",
  valuesConfig: Object.fromEntries(
    Object.entries(ACCOUNT_EVENT_TYPES).map(([type, description]) => [type, { description }]),
  ),
});

registerEnumType(AccountEventActor, {
  name: "AccountEventActor",
  description: "Who did it.",
  valuesConfig: {
    ANYONE: { description: "Nobody who was signed in." },
    OWNER: { description: "The owner of the account." },
    ADMIN: { description: "An administrator." },
    OPERATOR: { description: "The operator, at the command line." },
  },
});

@ObjectType("AccountEvent", { description: "Something that happened to an account; never changes." })
export class AccountEventObject {
  @Field(() => ID, { description: "Never changes." })
  id!: string;

  @Field(() => EventTypes, { description: "What happened." })
  type!: AccountEventType;

  @Field(() => GraphQLISODateTime, { description: "When." })
  occurredAt!: Date;

  @Field(() => String, { nullable: true, description: "The IP address that the request came from." })
  address!: string | null;

  @Field(() => String, { nullable: true, description: "As `Session.device`." })
  device!: string | null;

  @Field(() => AccountEventActor, { description: "Who did it." })
  actor!: AccountEventActor;

  @Field(() => ID, { nullable: true, description: "The id of who was signed in." })
  actorId!: string | null;

  static of(event: AccountEvent): AccountEventObject {
    const { id, type, occurredAt, ip = null, userAgent, actor, actorId = null } = event;
    const fields = { id, type, occurredAt, address: ip, actor, actorId };
    return Object.assign(new AccountEventObject(), fields, { device: deviceOf(userAgent) });
  }
}
