// What clients see of an account. How it is stored is accounts/user.entity.ts.
import { Field, GraphQLISODateTime, ID, ObjectType, registerEnumType } from "type-graphql";

import { Role, type User } from "../accounts/model/user.entity.ts";

registerEnumType(Role, {
  name: "Role",
  description: "What a user may do.",
  valuesConfig: {
    USER: { description: "Use an account of one's own." },
    ADMIN: { description: "Administer the accounts of others." },
  },
});

@ObjectType("User", { description: "An account, as its owner and administrators see it." })
export class UserObject {
  @Field(() => ID, { description: "Never changes." })
  id!: string;

  @Field(() => String, {
    description: "3 to 32 ASCII letters, digits, `_ . -`; unique without regard to case; public.",
  })
  username!: string;

  @Field(() => String, { description: "As it was given; unique without regard to case." })
  email!: string;

  @Field(() => [Role], { description: "What the user may do." })
  roles!: Role[];

  @Field(() => Boolean, {
    description: "Whether the account can be used: its address is confirmed, and it is not deactivated.",
  })
  isActive!: boolean;

  @Field(() => GraphQLISODateTime, { description: "When the account was registered." })
  createdAt!: Date;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "When an administrator deactivated the account.",
  })
  deactivatedAt!: Date | null;

  static of({ id, username, email, roles, isActive, createdAt, deactivatedAt = null }: User): UserObject {
    const fields = { id, username, email, roles, createdAt, deactivatedAt };
    return Object.assign(new UserObject(), fields, { isActive: isActive && !deactivatedAt });
  }
}
