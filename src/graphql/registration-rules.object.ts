// The GraphQL type of the rules for a registration form.
import { Field, Int, ObjectType } from "type-graphql";

import type { RegistrationRules } from "../accounts/model/registration-rules.ts";

@ObjectType("RegistrationRules", {
  description:
    "What a registration form has to know to check what is entered before it is sent. The server checks more: names that are " +
    "reserved or taken, and passwords that are easy to guess.",
})
export class RegistrationRulesObject implements RegistrationRules {
  @Field(() => String, {
    description: "What a new username has to match: an ECMAScript regular expression without flags.",
  })
  usernamePattern!: string;

  @Field(() => Int, { description: "The least number of characters of a username." })
  usernameMinLength!: number;

  @Field(() => Int, { description: "The greatest number of characters of a username." })
  usernameMaxLength!: number;

  @Field(() => Int, { description: "The least number of characters (code points) of a new password." })
  passwordMinLength!: number;

  @Field(() => Int, { description: "The greatest number of characters (code points) of a password." })
  passwordMaxLength!: number;

  @Field(() => [String], { description: "The languages of emails, as BCP 47 tags." })
  locales!: string[];

  static of(rules: RegistrationRules): RegistrationRulesObject {
    return Object.assign(new RegistrationRulesObject(), rules);
  }
}
