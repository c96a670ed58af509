// What the mutations answer with.
import { Field, GraphQLISODateTime, ObjectType } from "type-graphql";

import type { SignIn } from "../accounts/model/sign-in.ts";
import type { RequestContext } from "./context.ts";
import { UserObject } from "./user.object.ts";

@ObjectType({ description: "The request was accepted." })
export class MessagePayload {
  @Field(() => String, { description: "For people: what happens next." })
  message!: string;

  static of(message: string): MessagePayload {
    return Object.assign(new MessagePayload(), { message });
  }
}

@ObjectType({ description: "Somebody is signed in." })
export class AuthPayload {
  @Field(() => String, {
    description: "For the header `Authorization: Bearer ...`; a JWT, opaque to clients.",
  })
  accessToken!: string;

  @Field(() => GraphQLISODateTime, { description: "When the access token stops being good." })
  expiresAt!: Date;

  @Field(() => UserObject, { description: "Who is signed in." })
  user!: UserObject;

  @Field(() => String, {
    nullable: true,
    description:
      "For `refreshSession`, once; opaque. Null where it travels as a cookie (header `Session-Transport: cookie`).",
  })
  refreshToken!: string | null;

  static of({ accessToken, refreshToken, user }: SignIn, { refreshCookie }: RequestContext): AuthPayload {
    refreshCookie?.write(refreshToken.token, refreshToken.expiresAt);
    return Object.assign(new AuthPayload(), {
      accessToken: accessToken.token,
      expiresAt: accessToken.expiresAt,
      user: UserObject.of(user),
      refreshToken: refreshCookie ? null : refreshToken.token,
    });
  }
}
