// The payloads that mutations return.
import { Field, ObjectType } from "type-graphql";

import type { SignIn } from "../accounts/model/sign-in.ts";
import type { RequestContext } from "./context.ts";
import { UserObject } from "./user.object.ts";

@ObjectType({ description: "Confirms that a request was accepted." })
export class MessagePayload {
  @Field(() => String, { description: "A sentence for people that says what was done or what happens next." })
  message!: string;

  static of(message: string): MessagePayload {
    return Object.assign(new MessagePayload(), { message });
  }
}

@ObjectType({ description: "The tokens of a session and the user who is logged in." })
export class AuthPayload {
  @Field(() => String, {
    description:
      "The access token, to send in the header `Authorization: Bearer <token>`. It is a JWT, which clients should not read.",
  })
  accessToken!: string;

  @Field(() => Date, { description: "When the access token expires." })
  expiresAt!: Date;

  @Field(() => UserObject, { description: "The user who is logged in." })
  user!: UserObject;

  @Field(() => String, {
    nullable: true,
    description:
      "The refresh token, an opaque string to use once with `refreshSession`. Null if it is set as a cookie (header " +
      "`Session-Transport: cookie`).",
  })
  refreshToken!: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "Marks this device as one that has logged in to the account; it gives no access. Keep it, also after logging out, and " +
      "pass it to `login`. Null if it is set as a cookie (header `Session-Transport: cookie`).",
  })
  deviceToken!: string | null;

  static of(
    { accessToken, refreshToken, deviceToken, user }: SignIn,
    { refreshCookie, deviceCookie }: RequestContext,
  ): AuthPayload {
    refreshCookie?.write(refreshToken.token, refreshToken.expiresAt);
    deviceCookie?.add(deviceToken);
    return Object.assign(new AuthPayload(), {
      accessToken: accessToken.token,
      expiresAt: accessToken.expiresAt,
      user: UserObject.of(user),
      refreshToken: refreshCookie ? null : refreshToken.token,
      deviceToken: deviceCookie ? null : deviceToken,
    });
  }
}
