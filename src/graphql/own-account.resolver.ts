// What users can see and change of their own account.
import { Arg, Args, Authorized, Ctx, Mutation, Query, Resolver } from "type-graphql";

import type { Accounts } from "../accounts/accounts.ts";
import { AccountEventObject } from "./account-event.object.ts";
import {
  ChangePasswordArgs,
  FinalizeEmailChangeArgs,
  PasswordArgs,
  NEW_USERNAME,
  RequestEmailChangeArgs,
} from "./arguments.ts";
import { clearOwnCookie } from "./clear-own-cookie.ts";
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
    description: "The audit trail of the current user's account, newest event first.",
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
    nullable: true,
    description:
      "Changes the password of the current user and logs this device in again. Every earlier session and link becomes " +
      "invalid, and the owner is notified by email.",
  })
  @Errors(
    "UNAUTHENTICATED",
    "BAD_USER_INPUT",
    "INVALID_CREDENTIALS",
    "WEAK_PASSWORD",
    "SERVER_BUSY",
    "RATE_LIMITED",
  )
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
    nullable: true,
    description:
      "Emails a confirmation link to a new email address. The account keeps its address until the link is used.",
  })
  @Errors(
    "UNAUTHENTICATED",
    "BAD_USER_INPUT",
    "INVALID_CREDENTIALS",
    "EMAIL_TAKEN",
    "SERVER_BUSY",
    "RATE_LIMITED",
  )
  @OncePerOperation()
  async requestEmailChange(
    @Ctx() context: RequestContext,
    @Args(() => RequestEmailChangeArgs) { newEmail, password, application }: RequestEmailChangeArgs,
  ): Promise<MessagePayload> {
    const viewer = await context.viewer();
    const args = { newEmail, password, ...(application != null && { application }) };
    return MessagePayload.of(await this.#accounts.requestEmailChange(viewer, args, context.source));
  }

  @Mutation(() => AuthPayload, {
    nullable: true,
    description:
      "Changes the email address with the token from the email to the new address, and logs the user in. Needs an access " +
      "token of the account, or its password. Every earlier access token and link becomes invalid, and the old address " +
      "receives a notice. The token from that notice is enough to change the address back, which ends every session.",
  })
  @Errors(
    "BAD_USER_INPUT",
    "INVALID_TOKEN",
    "PASSWORD_REQUIRED",
    "INVALID_CREDENTIALS",
    "EMAIL_TAKEN",
    "SERVER_BUSY",
    "RATE_LIMITED",
  )
  @OncePerOperation()
  async finalizeEmailChange(
    @Ctx() context: RequestContext,
    @Args(() => FinalizeEmailChangeArgs) { token, password }: FinalizeEmailChangeArgs,
  ): Promise<AuthPayload> {
    const viewer = await context.viewerIfAny();
    const args = { token: context.mailedToken(token), ...(password != null && { password }) };
    return AuthPayload.of(await this.#accounts.finalizeEmailChange(viewer, args, context.source), context);
  }

  @Authorized()
  @Mutation(() => MessagePayload, {
    nullable: true,
    description:
      "For a user who has lost the old mailbox, or fears that someone else can read it: in 3 days, the changes of the email " +
      "address can no longer be undone by the links that went there. Until then they can. Both addresses receive an email.",
  })
  @Errors("UNAUTHENTICATED", "BAD_USER_INPUT", "INVALID_CREDENTIALS", "SERVER_BUSY", "RATE_LIMITED")
  @OncePerOperation()
  async endEmailChangeUndo(
    @Ctx() context: RequestContext,
    @Args(() => PasswordArgs) { password }: PasswordArgs,
  ): Promise<MessagePayload> {
    const viewer = await context.viewer();
    return MessagePayload.of(await this.#accounts.endEmailChangeUndo(viewer, password, context.source));
  }

  @Authorized()
  @Mutation(() => UserObject, {
    nullable: true,
    description:
      "Changes the username of the current user, who is notified by email. Nobody else can take the old one for 30 days.",
  })
  @Errors("UNAUTHENTICATED", "BAD_USER_INPUT", "USERNAME_TAKEN")
  @OncePerOperation()
  async changeUsername(
    @Ctx() context: RequestContext,
    @Arg("username", () => String, { description: NEW_USERNAME }) username: string,
  ): Promise<UserObject> {
    const viewer = await context.viewer();
    return UserObject.of(await this.#accounts.changeUsername(viewer, username, context.source));
  }

  @Authorized()
  @Mutation(() => MessagePayload, {
    nullable: true,
    description:
      "Deletes the current user's account. Every device is logged out at once. Logging in within 30 days restores the " +
      "account; after that, the account and all its data are erased.",
  })
  @Errors(
    "UNAUTHENTICATED",
    "BAD_USER_INPUT",
    "INVALID_CREDENTIALS",
    "LAST_ADMIN",
    "SERVER_BUSY",
    "RATE_LIMITED",
  )
  @OncePerOperation()
  async deleteAccount(
    @Ctx() context: RequestContext,
    @Args(() => PasswordArgs) { password }: PasswordArgs,
  ): Promise<MessagePayload> {
    const viewer = await context.viewer();
    const message = await this.#accounts.deleteAccount(viewer, password, context.source);
    clearOwnCookie(this.#accounts, viewer, context);
    return MessagePayload.of(message);
  }

  @Authorized()
  @Mutation(() => JSONObject, {
    nullable: true,
    description:
      "Returns all data stored about the current user, except the hash of the password. Of more than 10,000 events it contains " +
      "the newest, and `olderEvents` says so. Raises SERVER_BUSY while another export of the user is under way.",
  })
  @Errors("UNAUTHENTICATED", "BAD_USER_INPUT", "INVALID_CREDENTIALS", "SERVER_BUSY", "RATE_LIMITED")
  @OncePerOperation()
  async exportAccount(
    @Ctx() context: RequestContext,
    @Args(() => PasswordArgs) { password }: PasswordArgs,
  ): Promise<object> {
    context.allowLargeAnswer();
    return this.#accounts.exportAccount(await context.viewer(), password, context.source);
  }
}
