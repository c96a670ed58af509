// What a user sees of a session.
import Bowser from "bowser";
import { Field, GraphQLISODateTime, ID, ObjectType } from "type-graphql";

import type { Session } from "../accounts/model/session.entity.ts";

@ObjectType("Session", { description: "A device that is signed in." })
export class SessionObject {
  @Field(() => ID, { description: "For `revokeSession`." })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: "Browser and system, as far as the User-Agent header tells: `Firefox on Linux`.",
  })
  device!: string | null;

  @Field(() => String, { nullable: true, description: "The IP address that signed in." })
  address!: string | null;

  @Field(() => GraphQLISODateTime, { description: "When it signed in." })
  createdAt!: Date;

  @Field(() => GraphQLISODateTime, { description: "When it was last refreshed." })
  lastUsedAt!: Date;

  @Field(() => Boolean, { description: "Whether it is the session of this request." })
  current!: boolean;

  static of({ id, userAgent, ip, createdAt, lastUsedAt }: Session, currentId: string): SessionObject {
    const fields = { id, address: ip ?? null, createdAt, lastUsedAt, current: id === currentId };
    return Object.assign(new SessionObject(), fields, { device: deviceOf(userAgent) });
  }
}

/** For people; what is no browser is told as it named itself. */
export function deviceOf(userAgent: string | null | undefined): string | null {
  if (userAgent == null || userAgent === "") return null;
  const { browser, os } = Bowser.parse(userAgent);
  return [browser.name, os.name].filter(Boolean).join(" on ") || userAgent;
}
