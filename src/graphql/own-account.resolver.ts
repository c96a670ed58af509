// What a signed-in user changes and sees of the account.
import { Arg, Args, Authorized, Ctx, Mutation, Query, Resolver } from "type-graphql";

import type { Accounts } from "../accounts/accounts.ts";
import { AccountEventObject } from "./account-event.object.ts";
import { ChangePasswordArgs, PasswordArgs, RequestEmailChangeArgs, TOKEN, USERNAME } from "./arguments.ts";
import { AccountEventConnection, ConnectionArgs } from "./connections.ts";
import type { RequestContext } from "./context.ts";
import { Errors } from "./errors-directive.ts";
import { OncePerOperation } from "./once-per-operation.ts";
import { JSONObject } from "./json-object.ts";
import { AuthPayload, MessagePayload } from "./payloads.ts";
import { UserObject } from "./user.object.ts";

@Resolver()
export class OwnAccountResolver {
  readonly #accounts: Accounts;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  @Authorized()
  @Query(() => AccountEventConnection, {
    description: "What happened to one's own account, the latest first.",
  })
  @Errors("UNAUTHENTICATED", "BAD_USER_INPUT")
  async recentActivity(
    @Ctx() context: RequestContext,
    @Args(() => ConnectionArgs) { page }: ConnectionArgs,
  ): Promise<AccountEventConnection> {
    const { user } = await context.viewer();
    const events = await this.#accounts.findAccountEvents(user.id, page);
    return AccountEventConnection.of(events, page, (event) => AccountEventObject.of(event));
  }

  @Authorized()
  @Mutation(() => AuthPayload, {
    description:
      "Sets a new password, ends every other session and every link, tells the owner by mail, and continues this " +
      "session with new tokens.",
  })
  @Errors("UNAUTHENTICATED", "BAD_USER_INPUT", "INVALID_CREDENTIALS", "WEAK_PASSWORD", "SERVER_BUSY")
  @OncePerOperation()
  async changePassword(
    @Ctx() context: RequestContext,
    @Args(() => ChangePasswordArgs) { currentPassword, newPassword }: ChangePasswordArgs,
  ): Promise<AuthPayload> {
    const viewer = await context.viewer();
    const signIn = await this.#accounts.changePassword(viewer, currentPassword, newPassword, context.source);
    return AuthPayload.of(signIn, context);
  }

  @Authorized()
  @Mutation(() => MessagePayload, {
    description: "Mails a link to the new address; the address changes when it is used.",
  })
  @Errors("UNAUTHENTICATED", "BAD_USER_INPUT", "INVALID_CREDENTIALS", "EMAIL_TAKEN", "SERVER_BUSY")
  @OncePerOperation()
  async requestEmailChange(
    @Ctx() context: RequestContext,
    @Args(() => RequestEmailChangeArgs) { newEmail, password }: RequestEmailChangeArgs,
  ): Promise<MessagePayload> {
    const viewer = await context.viewer();
    return MessagePayload.of(
      await this.#accounts.requestEmailChange(viewer, newEmail, password, context.source),
    );
  }

  @Mutation(() => AuthPayload, {
    description:
      "Changes the address to the one that the link was mailed to, ends every older access token and link, tells the " +
      "old address, and signs in. With the link of that notice, changes it back and ends every session.",
  })
  @Errors("BAD_USER_INPUT", "INVALID_TOKEN", "EMAIL_TAKEN")
  @OncePerOperation()
  async finalizeEmailChange(
    @Ctx() context: RequestContext,
    @Arg("token", () => String, { nullable: true, description: TOKEN }) token: string | null | undefined,
  ): Promise<AuthPayload> {
    const signIn = await this.#accounts.finalizeEmailChange(context.mailedToken(token), context.source);
    return AuthPayload.of(signIn, context);
  }

  @Authorized()
  @Mutation(() => UserObject, { description: "Takes another username." })
  @Errors("UNAUTHENTICATED", "BAD_USER_INPUT", "USERNAME_TAKEN")
  async changeUsername(
    @Ctx() context: RequestContext,
    @Arg("username", () => String, { description: USERNAME }) username: string,
  ): Promise<UserObject> {
    const viewer = await context.viewer();
    return UserObject.of(await this.#accounts.changeUsername(viewer, username, context.source));
  }

  @Authorized()
  @Mutation(() => MessagePayload, {
    description:
      "Signs out everywhere and marks the account for erasure: signing in within 30 days restores it, then it is " +
      "erased with all that belongs to it.",
  })
  @Errors("UNAUTHENTICATED", "BAD_USER_INPUT", "INVALID_CREDENTIALS", "LAST_ADMIN", "SERVER_BUSY")
  @OncePerOperation()
  async deleteAccount(
    @Ctx() context: RequestContext,
    @Args(() => PasswordArgs) { password }: PasswordArgs,
  ): Promise<MessagePayload> {
    const viewer = await context.viewer();
    const message = await this.#accounts.deleteAccount(viewer, password, context.source);
    context.refreshCookie?.clear();
    return MessagePayload.of(message);
  }

  @Authorized()
  @Mutation(() => JSONObject, {
    description: "All that is stored about oneself, but the hashes of password and refresh tokens.",
  })
  @Errors("UNAUTHENTICATED", "BAD_USER_INPUT", "INVALID_CREDENTIALS", "SERVER_BUSY")
  @OncePerOperation()
  async exportAccount(
    @Ctx() context: RequestContext,
    @Args(() => PasswordArgs) { password }: PasswordArgs,
  ): Promise<object> {
    return this.#accounts.exportAccount(await context.viewer(), password, context.source);
  }
}
