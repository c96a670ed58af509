// Queries and mutations, each one call into accounts/.
import { Arg, Args, Ctx, Mutation, Query, Resolver } from "type-graphql";

import { AccountError } from "../accounts/account-error.ts";
import type { Accounts } from "../accounts/accounts.ts";
import { acceptedLocales, bearerToken, type GraphQLContext } from "./context.ts";
import { Errors } from "./error-codes.ts";
import { EMAIL, FinalizeResetArgs, LoginArgs, RegisterArgs, TOKEN } from "./arguments.ts";
import { AuthPayload, MessagePayload } from "./payloads.ts";
import { UserType } from "./user.type.ts";

@Resolver()
export class AccountResolver {
  readonly #accounts: Accounts;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  @Query(() => UserType, {
    nullable: true,
    description: "The signed-in user; null without a token, UNAUTHENTICATED with a bad one.",
  })
  @Errors("UNAUTHENTICATED")
  async me(@Ctx() context: GraphQLContext): Promise<UserType | null> {
    if (context.authorization === undefined) return null;
    const token = bearerToken(context);
    const user = token === null ? null : await this.#accounts.authenticate(token);
    if (!user) {
      throw new AccountError(
        "UNAUTHENTICATED",
        "The Authorization header holds no good access token: log in again.",
      );
    }
    return UserType.of(user);
  }

  @Mutation(() => MessagePayload, {
    description: "Stores an inactive account and mails a link that confirms its address.",
  })
  @Errors("BAD_USER_INPUT", "WEAK_PASSWORD", "USERNAME_TAKEN", "EMAIL_TAKEN", "SERVER_BUSY")
  async register(
    @Ctx() context: GraphQLContext,
    @Args(() => RegisterArgs) { username, email, password, locale }: RegisterArgs,
  ): Promise<MessagePayload> {
    const args = { username, email, password, ...(locale != null && { locale }) };
    return MessagePayload.of(await this.#accounts.register(args, acceptedLocales(context)));
  }

  @Mutation(() => AuthPayload, { description: "Activates the account of a confirmation mail and signs in." })
  @Errors("BAD_USER_INPUT", "INVALID_TOKEN")
  async finalizeRegistration(
    @Ctx() context: GraphQLContext,
    @Arg("token", () => String, { nullable: true, description: TOKEN }) token: string | null | undefined,
  ): Promise<AuthPayload> {
    return AuthPayload.of(await this.#accounts.finalizeRegistration(mailedToken(token, context)));
  }

  @Mutation(() => MessagePayload, {
    description: "Mails a new confirmation link; the earlier ones stay good until one is used.",
  })
  @Errors("BAD_USER_INPUT", "EMAIL_NOT_FOUND", "ALREADY_ACTIVATED")
  async resendRegistration(
    @Arg("email", () => String, { description: EMAIL }) email: string,
  ): Promise<MessagePayload> {
    return MessagePayload.of(await this.#accounts.resendRegistration(email));
  }

  @Mutation(() => AuthPayload, { description: "Signs in." })
  @Errors("BAD_USER_INPUT", "INVALID_CREDENTIALS", "ACCOUNT_NOT_ACTIVATED", "SERVER_BUSY")
  async login(@Args(() => LoginArgs) { username, password }: LoginArgs): Promise<AuthPayload> {
    return AuthPayload.of(await this.#accounts.login(username, password));
  }

  @Mutation(() => MessagePayload, {
    description: "Mails a link that sets a new password; the earlier ones stay good until one is used.",
  })
  @Errors("BAD_USER_INPUT", "EMAIL_NOT_FOUND", "ACCOUNT_NOT_ACTIVATED")
  async requestReset(
    @Arg("email", () => String, { description: EMAIL }) email: string,
  ): Promise<MessagePayload> {
    return MessagePayload.of(await this.#accounts.requestReset(email));
  }

  @Mutation(() => AuthPayload, {
    description:
      "Sets the new password, ends every older access token and link, tells the owner by mail, and signs in.",
  })
  @Errors("BAD_USER_INPUT", "INVALID_TOKEN", "WEAK_PASSWORD", "SERVER_BUSY")
  async finalizeReset(
    @Ctx() context: GraphQLContext,
    @Args(() => FinalizeResetArgs) { token, password }: FinalizeResetArgs,
  ): Promise<AuthPayload> {
    return AuthPayload.of(await this.#accounts.finalizeReset(mailedToken(token, context), password));
  }
}

/** A blank argument is a bad token, not a reason to look into the header. */
function mailedToken(argument: string | null | undefined, context: GraphQLContext): string {
  return argument ?? bearerToken(context) ?? "";
}
