// Registration, login and password reset. Each resolver is one call into accounts/.
import { Arg, Args, Ctx, Mutation, Query, Resolver } from "type-graphql";

import type { Accounts } from "../accounts/accounts.ts";
import { checkArguments } from "../accounts/rules/argument-rules.ts";
import type { RequestSource } from "../accounts/model/request-source.ts";
import type { RequestContext } from "./context.ts";
import { Errors } from "./errors-directive.ts";
import { OncePerOperation } from "./once-per-operation.ts";
import {
  FinalizeRegistrationArgs,
  FinalizeResetArgs,
  LoginArgs,
  RegisterArgs,
  RequestResetArgs,
  ResendRegistrationArgs,
} from "./arguments.ts";
import { AuthPayload, MessagePayload } from "./payloads.ts";
import { PendingAccountObject } from "./pending-account.object.ts";
import { RegistrationRulesObject } from "./registration-rules.object.ts";
import { UserObject } from "./user.object.ts";

/**
 * The source of a request whose client says more of itself in arguments.
 * @throws {AccountError} BAD_USER_INPUT
 */
function sourceWith(
  source: RequestSource,
  { challengeSolution, deviceToken }: Pick<LoginArgs, "challengeSolution" | "deviceToken">,
): RequestSource {
  const given = {
    ...(challengeSolution != null && { challengeSolution }),
    ...(deviceToken != null && { deviceToken }),
  };
  checkArguments(given);
  return {
    ...source,
    ...(challengeSolution != null && { challengeSolution }),
    ...(deviceToken != null && { deviceTokens: [deviceToken] }),
  };
}

@Resolver()
export class AccountResolver {
  readonly #accounts: Accounts;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  @Query(() => UserObject, {
    nullable: true,
    description: "The current user. Null if the request has no Authorization header.",
  })
  @Errors("UNAUTHENTICATED")
  async me(@Ctx() context: RequestContext): Promise<UserObject | null> {
    return context.hasAuthorization ? UserObject.of((await context.viewer()).user) : null;
  }

  @Query(() => RegistrationRulesObject, {
    description:
      "What a registration form has to know. The same for everybody, and it stays as it is until the server restarts.",
  })
  @Errors()
  registrationRules(): RegistrationRulesObject {
    return RegistrationRulesObject.of(this.#accounts.registrationRules());
  }

  @Query(() => PendingAccountObject, {
    description:
      "The account that `finalizeRegistration` would activate with a token. Show it before the user confirms: whoever did " +
      "not register it must not confirm it. Ask with POST, which keeps the token out of URLs and their logs.",
  })
  @Errors("BAD_USER_INPUT", "INVALID_TOKEN")
  async pendingAccount(
    @Arg("token", () => String, { description: "The token from the link in the confirmation email." })
    token: string,
  ): Promise<PendingAccountObject> {
    return PendingAccountObject.of(await this.#accounts.pendingAccount(token));
  }

  @Mutation(() => MessagePayload, {
    nullable: true,
    description:
      "Creates an inactive account and emails a link that confirms its email address and activates it.",
  })
  @Errors(
    "BAD_USER_INPUT",
    "WEAK_PASSWORD",
    "USERNAME_TAKEN",
    "EMAIL_TAKEN",
    "SERVER_BUSY",
    "RATE_LIMITED",
    "CHALLENGE_REQUIRED",
  )
  @OncePerOperation()
  async register(
    @Ctx() context: RequestContext,
    @Args(() => RegisterArgs) args: RegisterArgs,
  ): Promise<MessagePayload> {
    const { username, email, password, locale, application, challengeSolution } = args;
    const account = {
      username,
      email,
      password,
      ...(locale != null && { locale }),
      ...(application != null && { application }),
    };
    const source = sourceWith(context.source, { challengeSolution });
    return MessagePayload.of(await this.#accounts.register(account, context.acceptedLocales, source));
  }

  @Mutation(() => AuthPayload, {
    nullable: true,
    description:
      "Activates an account with the token from its confirmation email and logs the user in. If somebody else may have " +
      "registered the same email address, it answers PASSWORD_REQUIRED until the user chooses a password here.",
  })
  @Errors("BAD_USER_INPUT", "INVALID_TOKEN", "PASSWORD_REQUIRED", "WEAK_PASSWORD", "SERVER_BUSY")
  @OncePerOperation()
  async finalizeRegistration(
    @Ctx() context: RequestContext,
    @Args(() => FinalizeRegistrationArgs) { token, password = null }: FinalizeRegistrationArgs,
  ): Promise<AuthPayload> {
    const bearer = context.mailedToken(token);
    const signIn = await this.#accounts.finalizeRegistration(bearer, password, context.source);
    return AuthPayload.of(signIn, context);
  }

  @Mutation(() => MessagePayload, {
    nullable: true,
    description:
      "Emails another confirmation link. Earlier links stay valid until they expire or one of them is used.",
  })
  @Errors("BAD_USER_INPUT", "EMAIL_NOT_FOUND", "ALREADY_ACTIVATED", "ACCOUNT_DEACTIVATED", "RATE_LIMITED")
  @OncePerOperation()
  async resendRegistration(
    @Ctx() { source }: RequestContext,
    @Args(() => ResendRegistrationArgs) { email, application }: ResendRegistrationArgs,
  ): Promise<MessagePayload> {
    const args = { email, ...(application != null && { application }) };
    return MessagePayload.of(await this.#accounts.resendRegistration(args, source));
  }

  @Mutation(() => AuthPayload, {
    nullable: true,
    description: "Logs a user in. Also restores an account that its owner deleted within the last 30 days.",
  })
  @Errors(
    "BAD_USER_INPUT",
    "INVALID_CREDENTIALS",
    "ACCOUNT_NOT_ACTIVATED",
    "ACCOUNT_DEACTIVATED",
    "SERVER_BUSY",
    "RATE_LIMITED",
    "CHALLENGE_REQUIRED",
  )
  @OncePerOperation()
  async login(
    @Ctx() context: RequestContext,
    @Args(() => LoginArgs) { username, password, deviceToken, challengeSolution }: LoginArgs,
  ): Promise<AuthPayload> {
    const source = sourceWith(context.source, { challengeSolution, deviceToken });
    return AuthPayload.of(await this.#accounts.login(username, password, source), context);
  }

  @Mutation(() => MessagePayload, {
    nullable: true,
    description:
      "Emails a link for setting a new password. Earlier links stay valid until they expire or one of them is used.",
  })
  @Errors(
    "BAD_USER_INPUT",
    "EMAIL_NOT_FOUND",
    "ACCOUNT_NOT_ACTIVATED",
    "ACCOUNT_DEACTIVATED",
    "RATE_LIMITED",
    "CHALLENGE_REQUIRED",
  )
  @OncePerOperation()
  async requestReset(
    @Ctx() { source }: RequestContext,
    @Args(() => RequestResetArgs) { email, application, challengeSolution }: RequestResetArgs,
  ): Promise<MessagePayload> {
    const args = { email, ...(application != null && { application }) };
    return MessagePayload.of(
      await this.#accounts.requestReset(args, sourceWith(source, { challengeSolution })),
    );
  }

  @Mutation(() => AuthPayload, {
    nullable: true,
    description:
      "Sets a new password with the token from a reset email and logs the user in. Every earlier session and link " +
      "becomes invalid, and the owner is notified by email. Also restores a deleted account.",
  })
  @Errors("BAD_USER_INPUT", "INVALID_TOKEN", "WEAK_PASSWORD", "SERVER_BUSY")
  @OncePerOperation()
  async finalizeReset(
    @Ctx() context: RequestContext,
    @Args(() => FinalizeResetArgs) { token, password }: FinalizeResetArgs,
  ): Promise<AuthPayload> {
    const bearer = context.mailedToken(token);
    return AuthPayload.of(await this.#accounts.finalizeReset(bearer, password, context.source), context);
  }
}
