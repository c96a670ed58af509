// The GraphQL type of an account that waits for its confirmation, as whoever opens the link sees it.
import { Field, ObjectType } from "type-graphql";

import type { User } from "../accounts/model/user.entity.ts";

@ObjectType("PendingAccount", { description: "An account that a confirmation link would activate." })
export class PendingAccountObject {
  @Field(() => String, {
    description: "The username of the account. Its owner can change it once the account is active.",
  })
  username!: string;

  @Field(() => String, { description: "The email address that the link was sent to." })
  email!: string;

  @Field(() => Date, { description: "When the account was registered." })
  registeredAt!: Date;

  @Field(() => String, {
    nullable: true,
    description:
      "The browser and operating system with which the account was registered, such as `Firefox, Linux`. Null if they " +
      "are unknown.",
  })
  device!: string | null;

  @Field(() => Boolean, {
    description:
      "Whether `finalizeRegistration` needs a password, because somebody else may have registered the same email address.",
  })
  needsPassword!: boolean;

  static of(user: User): PendingAccountObject {
    return Object.assign(new PendingAccountObject(), {
      username: user.username,
      email: user.email,
      registeredAt: user.createdAt,
      device: user.registrationDevice ?? null,
      needsPassword: user.isContested,
    } satisfies Pick<PendingAccountObject, keyof PendingAccountObject>);
  }
}
