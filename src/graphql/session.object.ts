// The GraphQL type of a session.
import { Field, ID, ObjectType } from "type-graphql";

import { deviceOf } from "../accounts/model/device.ts";
import type { Session } from "../accounts/model/session.entity.ts";
import { NodeObject } from "./node.object.ts";

@ObjectType("Session", {
  implements: NodeObject,
  description: "A session: one device on which the user is logged in.",
})
export class SessionObject implements NodeObject {
  @Field(() => ID, { description: "The ID of the session, to use with `revokeSession`." })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description:
      "The browser and operating system of the device, such as `Firefox on Linux`, read from the User-Agent header when " +
      "it logged in. The header itself if it names neither. Null if there was none.",
  })
  device!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "The IP address from which the device logged in. Null if it is unknown.",
  })
  address!: string | null;

  @Field(() => Date, { description: "When the device logged in." })
  createdAt!: Date;

  @Field(() => Date, {
    description: "When the session was last refreshed, or began if it has never been refreshed.",
  })
  lastUsedAt!: Date;

  @Field(() => Boolean, { description: "Whether this is the session of the current request." })
  current!: boolean;

  static of({ id, userAgent, ip, createdAt, lastUsedAt }: Session, currentId: string): SessionObject {
    const fields = { id, address: ip ?? null, createdAt, lastUsedAt, current: id === currentId };
    return Object.assign(new SessionObject(), fields, { device: deviceOf(userAgent) });
  }
}
