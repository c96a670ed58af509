// The queries and mutations of administrators. What they do to others asks for a password given a short time ago (confirmPassword).
import { Arg, Args, ArgsType, Authorized, Ctx, Field, ID, Mutation, Query, Resolver } from "type-graphql";

import type { Accounts } from "../accounts/accounts.ts";
import type { QueuedEmailState } from "../accounts/model/queued-email.ts";
import { Role, type User } from "../accounts/model/user.entity.ts";
import { AccountEventObject } from "./account-event.object.ts";
import { SetUserRolesArgs } from "./arguments.ts";
import {
  AccountEventConnection,
  ConnectionArgs,
  QueuedEmailConnection,
  UserConnection,
} from "./connections.ts";
import type { RequestContext } from "./context.ts";
import { Errors } from "./errors-directive.ts";
import { OncePerOperation } from "./once-per-operation.ts";
import { QueuedEmailCounts, QueuedEmailObject, QueuedEmailStates } from "./queued-email.object.ts";
import { UserObject } from "./user.object.ts";

@ArgsType()
class UsersArgs extends ConnectionArgs {
  @Field(() => String, {
    nullable: true,
    description:
      "Lists only users whose username or email address begins with this text, ignoring case. Null or an empty text " +
      "lists all users.",
  })
  search?: string | null;
}

@ArgsType()
class AccountEventsArgs extends ConnectionArgs {
  @Field(() => ID, { description: "The ID of the user whose events to list." })
  userId!: string;
}

@ArgsType()
class QueuedEmailsArgs extends ConnectionArgs {
  @Field(() => QueuedEmailStates, {
    nullable: true,
    description: "Lists only emails in this state. Null lists all that are not done.",
  })
  state?: QueuedEmailState | null;
}

@Resolver()
export class AdministrationResolver {
  readonly #accounts: Accounts;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  @Authorized(Role.ADMIN)
  @Query(() => UserConnection, { description: "All users, in the order in which they registered." })
  @Errors("UNAUTHENTICATED", "FORBIDDEN", "BAD_USER_INPUT")
  async users(@Args(() => UsersArgs) { page, search }: UsersArgs): Promise<UserConnection> {
    const users = await this.#accounts.findUsers({ ...page, ...(search != null && { search }) });
    return UserConnection.of(users, page, (user: User) => UserObject.of(user));
  }

  @Authorized(Role.ADMIN)
  @Query(() => UserObject, {
    nullable: true,
    description:
      "Looks up a user by ID. An unknown ID raises NOT_FOUND, so the field is null only when there is an error.",
  })
  @Errors("UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND")
  async user(
    @Arg("id", () => ID, { description: "The ID of the user to look up." }) id: string,
  ): Promise<UserObject> {
    return UserObject.of(await this.#accounts.findUser(id));
  }

  @Authorized(Role.ADMIN)
  @Query(() => AccountEventConnection, {
    description: "The audit trail of a user's account, newest event first.",
  })
  @Errors("UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "BAD_USER_INPUT")
  async accountEvents(
    @Args(() => AccountEventsArgs) { page, userId }: AccountEventsArgs,
  ): Promise<AccountEventConnection> {
    const events = await this.#accounts.findAccountEvents(userId, page);
    return AccountEventConnection.of(events, page, (event) => AccountEventObject.of(event));
  }

  @Authorized(Role.ADMIN)
  @Query(() => QueuedEmailConnection, {
    description:
      "The emails of the queue, oldest first. What they say is not in the queue: an email is written when it is sent.",
  })
  @Errors("UNAUTHENTICATED", "FORBIDDEN", "BAD_USER_INPUT")
  async queuedEmails(
    @Args(() => QueuedEmailsArgs) { page, state }: QueuedEmailsArgs,
  ): Promise<QueuedEmailConnection> {
    const emails = await this.#accounts.findQueuedEmails({
      ...page,
      ...(state != null && { states: [state] }),
    });
    return QueuedEmailConnection.of(emails, page, (email) => QueuedEmailObject.of(email));
  }

  @Authorized(Role.ADMIN)
  @Query(() => QueuedEmailCounts, { description: "How many emails of the queue are in each state." })
  @Errors("UNAUTHENTICATED", "FORBIDDEN")
  queuedEmailCounts(): Promise<QueuedEmailCounts> {
    return this.#accounts.countQueuedEmails();
  }

  @Authorized(Role.ADMIN)
  @Mutation(() => UserObject, {
    nullable: true,
    description:
      "Replaces the roles of a user, who is notified by email. The change applies from the user's next request. Only a user " +
      "whose email address is confirmed can become an administrator.",
  })
  @Errors(
    "UNAUTHENTICATED",
    "FORBIDDEN",
    "PASSWORD_REQUIRED",
    "NOT_FOUND",
    "BAD_USER_INPUT",
    "ACCOUNT_NOT_ACTIVATED",
    "LAST_ADMIN",
  )
  @OncePerOperation()
  async setUserRoles(
    @Ctx() context: RequestContext,
    @Args(() => SetUserRolesArgs) { id, roles }: SetUserRolesArgs,
  ): Promise<UserObject> {
    const admin = await context.viewer();
    return UserObject.of(await this.#accounts.setUserRoles(admin, id, roles, context.source));
  }

  @Authorized(Role.ADMIN)
  @Mutation(() => UserObject, {
    nullable: true,
    description:
      "Deactivates a user, who is notified by email. Every session and link becomes invalid, and the user cannot log in until " +
      "`reactivateUser`.",
  })
  @Errors("UNAUTHENTICATED", "FORBIDDEN", "PASSWORD_REQUIRED", "NOT_FOUND", "LAST_ADMIN")
  @OncePerOperation()
  async deactivateUser(
    @Ctx() context: RequestContext,
    @Arg("id", () => ID, { description: "The ID of the user to deactivate." }) id: string,
  ): Promise<UserObject> {
    const admin = await context.viewer();
    return UserObject.of(await this.#accounts.deactivateUser(admin, id, context.source));
  }

  @Authorized(Role.ADMIN)
  @Mutation(() => UserObject, {
    nullable: true,
    description: "Reactivates a deactivated user, who is notified by email and can then log in as before.",
  })
  @Errors("UNAUTHENTICATED", "FORBIDDEN", "PASSWORD_REQUIRED", "NOT_FOUND")
  @OncePerOperation()
  async reactivateUser(
    @Ctx() context: RequestContext,
    @Arg("id", () => ID, { description: "The ID of the user to reactivate." }) id: string,
  ): Promise<UserObject> {
    const admin = await context.viewer();
    return UserObject.of(await this.#accounts.reactivateUser(admin, id, context.source));
  }

  @Authorized(Role.ADMIN)
  @Mutation(() => UserObject, {
    nullable: true,
    description: "Logs a user out on every device. The user is notified by email.",
  })
  @Errors("UNAUTHENTICATED", "FORBIDDEN", "PASSWORD_REQUIRED", "NOT_FOUND")
  @OncePerOperation()
  async endUserSessions(
    @Ctx() context: RequestContext,
    @Arg("id", () => ID, { description: "The ID of the user to log out." }) id: string,
  ): Promise<UserObject> {
    const admin = await context.viewer();
    return UserObject.of(await this.#accounts.endUserSessions(admin, id, context.source));
  }

  @Authorized(Role.ADMIN)
  @Mutation(() => QueuedEmailObject, {
    nullable: true,
    description:
      "Puts an email that has failed back in the queue, as if it were new, or sends one that is retried at once. An email that " +
      "can no longer be retried, such as one that was sent meanwhile, raises NOT_FOUND.",
  })
  @Errors("UNAUTHENTICATED", "FORBIDDEN", "PASSWORD_REQUIRED", "NOT_FOUND")
  @OncePerOperation()
  async retryEmail(
    @Ctx() context: RequestContext,
    @Arg("id", () => ID, { description: "The ID of the email to retry." }) id: string,
  ): Promise<QueuedEmailObject> {
    const admin = await context.viewer();
    return QueuedEmailObject.of(await this.#accounts.retryEmail(admin, id, context.source));
  }

  @Authorized(Role.ADMIN)
  @Mutation(() => QueuedEmailObject, {
    nullable: true,
    description:
      "Deletes an email that was not sent, and returns it as it was. An email that can no longer be discarded, such as one that " +
      "is being sent, raises NOT_FOUND.",
  })
  @Errors("UNAUTHENTICATED", "FORBIDDEN", "PASSWORD_REQUIRED", "NOT_FOUND")
  @OncePerOperation()
  async discardEmail(
    @Ctx() context: RequestContext,
    @Arg("id", () => ID, { description: "The ID of the email to discard." }) id: string,
  ): Promise<QueuedEmailObject> {
    const admin = await context.viewer();
    return QueuedEmailObject.of(await this.#accounts.discardEmail(admin, id, context.source));
  }
}
