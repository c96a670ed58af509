// The queries and mutations of administrators. What they do to others asks for a password given a short time ago (confirmPassword).
import { Arg, Args, ArgsType, Authorized, Ctx, Field, ID, Mutation, Query, Resolver } from "type-graphql";

import type { Accounts } from "../accounts/accounts.ts";
import { Role, type User } from "../accounts/model/user.entity.ts";
import { AccountEventObject } from "./account-event.object.ts";
import { SetUserRolesArgs } from "./arguments.ts";
import { AccountEventConnection, ConnectionArgs, UserConnection } from "./connections.ts";
import type { RequestContext } from "./context.ts";
import { Errors } from "./errors-directive.ts";
import { OncePerOperation } from "./once-per-operation.ts";
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
  @Mutation(() => UserObject, {
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
}
