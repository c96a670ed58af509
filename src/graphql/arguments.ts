// The arguments of mutations that take more than one, in the order in which the schema shows them.
import { ArgsType, Field, ID } from "type-graphql";

import { Role } from "../accounts/model/user.entity.ts";

const USERNAME_FORM =
  "3 to 32 ASCII letters, digits, `_`, `.` and `-`, with a letter or digit at either end. Names such as `admin` and " +
  "`support` are reserved.";
const EMAIL_FORM = "A plain address in printable ASCII, with an international domain in its `xn--` form.";
const PASSWORD_FORM =
  "8 to 128 characters, used exactly as sent. The server's PASSWORD_MIN_LENGTH may raise the minimum.";
export const NEW_USERNAME = `The new username: ${USERNAME_FORM}`;
const ACCOUNT_EMAIL = `The email address of the account. ${EMAIL_FORM}`;
export const TOKEN =
  "The token from the link in the email. If omitted or null, the Bearer token of the Authorization header is used.";
export const CHALLENGE_SOLUTION =
  "The solution of a challenge that CHALLENGE_REQUIRED gave: base64 of the JSON `{challenge, solution}`, as ALTCHA's clients make it.";
const APPLICATION =
  "The application of the product, by a name from the server's setting APPLICATIONS: the link in the email opens its page, and the " +
  "email has its name. If omitted or null, the server's own settings decide.";
const NEW_PASSWORD = `The new password: ${PASSWORD_FORM}`;

@ArgsType()
export class RegisterArgs {
  @Field(() => String, { description: `The username of the account: ${USERNAME_FORM}` })
  username!: string;

  @Field(() => String, { description: ACCOUNT_EMAIL })
  email!: string;

  @Field(() => String, { description: `The password of the account: ${PASSWORD_FORM}` })
  password!: string;

  @Field(() => String, {
    nullable: true,
    description:
      "The language of emails to the user, as a BCP 47 tag such as `pt-BR`. If omitted or null, the Accept-Language " +
      "header decides. A language that the server does not have falls back to English.",
  })
  locale?: string | null;

  @Field(() => String, { nullable: true, description: APPLICATION })
  application?: string | null;

  @Field(() => String, { nullable: true, description: CHALLENGE_SOLUTION })
  challengeSolution?: string | null | undefined;
}

@ArgsType()
export class FinalizeRegistrationArgs {
  @Field(() => String, { nullable: true, description: TOKEN })
  token?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "The password of the account, which replaces the one given to `register`. Required if somebody else may have " +
      `registered the same email address (PASSWORD_REQUIRED, \`pendingAccount\`). ${PASSWORD_FORM}`,
  })
  password?: string | null;
}

@ArgsType()
export class LoginArgs {
  @Field(() => String, { description: "The username or the email address of the account." })
  username!: string;

  @Field(() => String, { description: "The password of the account, used exactly as sent." })
  password!: string;

  @Field(() => String, {
    nullable: true,
    description:
      "The device token from an earlier login to this account. Wrong passwords that strangers try do not slow down a device " +
      "that is known by it. Omit it if it is sent as a cookie (header `Session-Transport: cookie`).",
  })
  deviceToken?: string | null | undefined;

  @Field(() => String, { nullable: true, description: CHALLENGE_SOLUTION })
  challengeSolution?: string | null | undefined;
}

@ArgsType()
export class ResendRegistrationArgs {
  @Field(() => String, { description: ACCOUNT_EMAIL })
  email!: string;

  @Field(() => String, { nullable: true, description: APPLICATION })
  application?: string | null;
}

@ArgsType()
export class RequestResetArgs {
  @Field(() => String, { description: ACCOUNT_EMAIL })
  email!: string;

  @Field(() => String, { nullable: true, description: APPLICATION })
  application?: string | null;

  @Field(() => String, { nullable: true, description: CHALLENGE_SOLUTION })
  challengeSolution?: string | null | undefined;
}

@ArgsType()
export class FinalizeResetArgs {
  @Field(() => String, { nullable: true, description: TOKEN })
  token?: string | null;

  @Field(() => String, { description: NEW_PASSWORD })
  password!: string;
}

const CURRENT_PASSWORD = "The current password, which confirms that the owner is making the request.";

@ArgsType()
export class PasswordArgs {
  @Field(() => String, { description: CURRENT_PASSWORD })
  password!: string;
}

@ArgsType()
export class ChangePasswordArgs {
  @Field(() => String, { description: CURRENT_PASSWORD })
  currentPassword!: string;

  @Field(() => String, { description: NEW_PASSWORD })
  newPassword!: string;
}

@ArgsType()
export class RequestEmailChangeArgs {
  @Field(() => String, { description: `The new email address. ${EMAIL_FORM}` })
  newEmail!: string;

  @Field(() => String, { description: CURRENT_PASSWORD })
  password!: string;

  @Field(() => String, { nullable: true, description: APPLICATION })
  application?: string | null;
}

@ArgsType()
export class FinalizeEmailChangeArgs {
  @Field(() => String, { nullable: true, description: TOKEN })
  token?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "The password of the account. Needed to confirm a new address unless the Authorization header has an access token " +
      "of the account. Not needed to undo a change.",
  })
  password?: string | null;
}

@ArgsType()
export class SetUserRolesArgs {
  @Field(() => ID, { description: "The ID of the user to update." })
  id!: string;

  @Field(() => [Role], { description: "The new roles of the user: at least one." })
  roles!: Role[];
}
