// Becoming a user and getting back in; each field is one call into accounts/.
import { Arg, Args, Ctx, Mutation, Query, Resolver } from "type-graphql";

import type { Accounts } from "../accounts/accounts.ts";
import type { RequestContext } from "./context.ts";
import { Errors } from "./errors-directive.ts";
import { OncePerOperation } from "./once-per-operation.ts";
import { EMAIL, FinalizeResetArgs, LoginArgs, RegisterArgs, TOKEN } from "./arguments.ts";
import { AuthPayload, MessagePayload } from "./payloads.ts";
import { UserObject } from "./user.object.ts";

@Resolver()
export class AccountResolver {
  readonly #accounts: Accounts;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  @Query(() => UserObject, {
    nullable: true,
    description: "The signed-in user; null without a token, UNAUTHENTICATED with a bad one.",
  })
  @Errors("UNAUTHENTICATED")
  async me(@Ctx() context: RequestContext): Promise<UserObject | null> {
    return context.hasAuthorization ? UserObject.of((await context.viewer()).user) : null;
  }

  @Mutation(() => MessagePayload, {
    description: "Stores an inactive account and mails a link that confirms its address.",
  })
  @Errors("BAD_USER_INPUT", "WEAK_PASSWORD", "USERNAME_TAKEN", "EMAIL_TAKEN", "SERVER_BUSY")
  @OncePerOperation()
  async register(
    @Ctx() context: RequestContext,
    @Args(() => RegisterArgs) { username, email, password, locale }: RegisterArgs,
  ): Promise<MessagePayload> {
    const args = { username, email, password, ...(locale != null && { locale }) };
    const { acceptedLocales, source } = context;
    return MessagePayload.of(await this.#accounts.register(args, acceptedLocales, source));
  }

  @Mutation(() => AuthPayload, { description: "Activates the account of a confirmation mail and signs in." })
  @Errors("BAD_USER_INPUT", "INVALID_TOKEN")
  @OncePerOperation()
  async finalizeRegistration(
    @Ctx() context: RequestContext,
    @Arg("token", () => String, { nullable: true, description: TOKEN }) token: string | null | undefined,
  ): Promise<AuthPayload> {
    const signIn = await this.#accounts.finalizeRegistration(context.mailedToken(token), context.source);
    return AuthPayload.of(signIn, context);
  }

  @Mutation(() => MessagePayload, {
    description: "Mails a new confirmation link; the earlier ones stay good until one is used.",
  })
  @Errors("BAD_USER_INPUT", "EMAIL_NOT_FOUND", "ALREADY_ACTIVATED")
  @OncePerOperation()
  async resendRegistration(
    @Ctx() { source }: RequestContext,
    @Arg("email", () => String, { description: EMAIL }) email: string,
  ): Promise<MessagePayload> {
    return MessagePayload.of(await this.#accounts.resendRegistration(email, source));
  }

  @Mutation(() => AuthPayload, {
    description: "Signs in, and restores an account that its owner has deleted within the last 30 days.",
  })
  @Errors(
    "BAD_USER_INPUT",
    "INVALID_CREDENTIALS",
    "ACCOUNT_NOT_ACTIVATED",
    "ACCOUNT_DEACTIVATED",
    "SERVER_BUSY",
  )
  @OncePerOperation()
  async login(
    @Ctx() context: RequestContext,
    @Args(() => LoginArgs) { username, password }: LoginArgs,
  ): Promise<AuthPayload> {
    return AuthPayload.of(await this.#accounts.login(username, password, context.source), context);
  }

  @Mutation(() => MessagePayload, {
    description: "Mails a link that sets a new password; the earlier ones stay good until one is used.",
  })
  @Errors("BAD_USER_INPUT", "EMAIL_NOT_FOUND", "ACCOUNT_NOT_ACTIVATED", "ACCOUNT_DEACTIVATED")
  @OncePerOperation()
  async requestReset(
    @Ctx() { source }: RequestContext,
    @Arg("email", () => String, { description: EMAIL }) email: string,
  ): Promise<MessagePayload> {
    return MessagePayload.of(await this.#accounts.requestReset(email, source));
  }

  @Mutation(() => AuthPayload, {
    description:
      "Sets the new password, ends every older session and link, tells the owner by mail, and signs in.",
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
