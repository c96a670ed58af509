// The arguments of the mutations that take several, in the order in which the schema shows them.
import { ArgsType, Field, ID } from "type-graphql";

import { Role } from "../accounts/model/user.entity.ts";

export const USERNAME = "3 to 32 ASCII letters, digits, `_ . -`.";
export const EMAIL = "One plain address of printable ASCII; an international domain in its xn-- form.";
export const TOKEN =
  "From the mailed link, as the argument or, without it, as the Bearer token of the Authorization header.";
const PASSWORD = "8 (or PASSWORD_MIN_LENGTH) to 128 characters, taken exactly as sent.";
export const USER_ID = "Of the user.";

@ArgsType()
export class RegisterArgs {
  @Field(() => String, { description: USERNAME })
  username!: string;

  @Field(() => String, { description: EMAIL })
  email!: string;

  @Field(() => String, { description: PASSWORD })
  password!: string;

  @Field(() => String, {
    nullable: true,
    description:
      "The language of the mails, as a BCP 47 tag such as pt-BR; without it, the Accept-Language header decides. " +
      "An unknown one falls back to English.",
  })
  locale?: string | null;
}

@ArgsType()
export class LoginArgs {
  @Field(() => String, { description: "The username or the email address." })
  username!: string;

  @Field(() => String, { description: "Taken exactly as sent." })
  password!: string;
}

@ArgsType()
export class FinalizeResetArgs {
  @Field(() => String, { nullable: true, description: TOKEN })
  token?: string | null;

  @Field(() => String, { description: PASSWORD })
  password!: string;
}

const CONFIRMATION = "The password of now, to confirm that it is the owner who asks.";

@ArgsType()
export class PasswordArgs {
  @Field(() => String, { description: CONFIRMATION })
  password!: string;
}

@ArgsType()
export class ChangePasswordArgs {
  @Field(() => String, { description: CONFIRMATION })
  currentPassword!: string;

  @Field(() => String, { description: PASSWORD })
  newPassword!: string;
}

@ArgsType()
export class RequestEmailChangeArgs {
  @Field(() => String, { description: EMAIL })
  newEmail!: string;

  @Field(() => String, { description: CONFIRMATION })
  password!: string;
}

@ArgsType()
export class SetUserRolesArgs {
  @Field(() => ID, { description: USER_ID })
  id!: string;

  @Field(() => [Role], { description: "At least one." })
  roles!: Role[];
}
