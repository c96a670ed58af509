// The GraphQL type of a user. How a user is stored is in accounts/model/user.entity.ts.
import { Field, ID, ObjectType, registerEnumType } from "type-graphql";

import { Role, type User } from "../accounts/model/user.entity.ts";
import { NodeObject } from "./node.object.ts";

registerEnumType(Role, {
  name: "Role",
  description: "A role, which decides what a user may do.",
  valuesConfig: {
    USER: { description: "Can use their own account." },
    ADMIN: { description: "Can also manage all users." },
  },
});

@ObjectType("User", {
  implements: NodeObject,
  description: "A user account, visible to its owner and to administrators.",
})
export class UserObject implements NodeObject {
  @Field(() => ID, { description: "The ID of the user, which never changes." })
  id!: string;

  @Field(() => String, {
    description:
      "The public name of the user: 3 to 32 ASCII letters, digits, `_`, `.` and `-`. Unique, ignoring case.",
  })
  username!: string;

  @Field(() => String, {
    description: "The email address of the user, spelled as it was entered. Unique, ignoring case.",
  })
  email!: string;

  @Field(() => [Role], { description: "The roles of the user, which decide what the user may do." })
  roles!: Role[];

  @Field(() => Boolean, {
    description: "Whether the account can be used: its email address is confirmed and it is not deactivated.",
  })
  isActive!: boolean;

  @Field(() => Date, { description: "When the account was registered." })
  createdAt!: Date;

  @Field(() => Date, {
    nullable: true,
    description: "When the account was deactivated. Null if it is not deactivated.",
  })
  deactivatedAt!: Date | null;

  @Field(() => Date, {
    nullable: true,
    description:
      "When a deleted account will be erased with all its data. Until then, its owner can restore it by logging in. Null " +
      "if the owner has not deleted it.",
  })
  eraseAt!: Date | null;

  static of(user: User): UserObject {
    return Object.assign(new UserObject(), {
      id: user.id,
      username: user.username,
      email: user.email,
      roles: user.roles,
      isActive: user.isActive && !user.deactivatedAt,
      createdAt: user.createdAt,
      deactivatedAt: user.deactivatedAt ?? null,
      eraseAt: user.eraseAt ?? null,
    } satisfies Pick<UserObject, keyof UserObject>);
  }
}
