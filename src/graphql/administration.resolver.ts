// What administrators see and do.
import { Arg, Args, ArgsType, Authorized, Ctx, Field, ID, Mutation, Query, Resolver } from "type-graphql";

import type { Accounts } from "../accounts/accounts.ts";
import { Role, type User } from "../accounts/model/user.entity.ts";
import { AccountEventObject } from "./account-event.object.ts";
import { SetUserRolesArgs, USER_ID } from "./arguments.ts";
import { AccountEventConnection, ConnectionArgs, UserConnection } from "./connections.ts";
import type { RequestContext } from "./context.ts";
import { Errors } from "./errors-directive.ts";
import { UserObject } from "./user.object.ts";

@ArgsType()
class UsersArgs extends ConnectionArgs {
  @Field(() => String, {
    nullable: true,
    description: "The beginning of usernames or addresses, without regard to case.",
  })
  search?: string | null;
}

@ArgsType()
class AccountEventsArgs extends ConnectionArgs {
  @Field(() => ID, { description: "Whose account it is." })
  userId!: string;
}

@Resolver()
export class AdministrationResolver {
  readonly #accounts: Accounts;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  @Authorized(Role.ADMIN)
  @Query(() => UserConnection, { description: "All users, in the order of their registration." })
  @Errors("UNAUTHENTICATED", "FORBIDDEN", "BAD_USER_INPUT")
  async users(@Args(() => UsersArgs) { page, search }: UsersArgs): Promise<UserConnection> {
    const users = await this.#accounts.findUsers({ ...page, ...(search != null && { search }) });
    return UserConnection.of(users, page, (user: User) => UserObject.of(user));
  }

  @Authorized(Role.ADMIN)
  @Query(() => UserObject, { nullable: true, description: "The user of this id; never null." })
  @Errors("UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND")
  async user(@Arg("id", () => ID, { description: USER_ID }) id: string): Promise<UserObject> {
    return UserObject.of(await this.#accounts.findUser(id));
  }

  @Authorized(Role.ADMIN)
  @Query(() => AccountEventConnection, { description: "What happened to an account, the latest first." })
  @Errors("UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "BAD_USER_INPUT")
  async accountEvents(
    @Args(() => AccountEventsArgs) { page, userId }: AccountEventsArgs,
  ): Promise<AccountEventConnection> {
    const events = await this.#accounts.findAccountEvents(userId, page);
    return AccountEventConnection.of(events, page, (event) => AccountEventObject.of(event));
  }

  @Authorized(Role.ADMIN)
  @Mutation(() => UserObject, { description: "Replaces the roles of a user." })
  @Errors("UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "BAD_USER_INPUT", "LAST_ADMIN")
  async setUserRoles(
    @Ctx() context: RequestContext,
    @Args(() => SetUserRolesArgs) { id, roles }: SetUserRolesArgs,
  ): Promise<UserObject> {
    const { user: admin } = await context.viewer();
    return UserObject.of(await this.#accounts.setUserRoles(admin, id, roles, context.source));
  }

  @Authorized(Role.ADMIN)
  @Mutation(() => UserObject, {
    description: "Signs a user out everywhere and lets nobody in again; every link dies.",
  })
  @Errors("UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "LAST_ADMIN")
  async deactivateUser(
    @Ctx() context: RequestContext,
    @Arg("id", () => ID, { description: USER_ID }) id: string,
  ): Promise<UserObject> {
    const { user: admin } = await context.viewer();
    return UserObject.of(await this.#accounts.deactivateUser(admin, id, context.source));
  }

  @Authorized(Role.ADMIN)
  @Mutation(() => UserObject, { description: "Takes a deactivation back; the user logs in as before." })
  @Errors("UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND")
  async reactivateUser(
    @Ctx() context: RequestContext,
    @Arg("id", () => ID, { description: USER_ID }) id: string,
  ): Promise<UserObject> {
    const { user: admin } = await context.viewer();
    return UserObject.of(await this.#accounts.reactivateUser(admin, id, context.source));
  }

  @Authorized(Role.ADMIN)
  @Mutation(() => UserObject, { description: "Signs a user out on every device." })
  @Errors("UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND")
  async endUserSessions(
    @Ctx() context: RequestContext,
    @Arg("id", () => ID, { description: USER_ID }) id: string,
  ): Promise<UserObject> {
    const { user: admin } = await context.viewer();
    return UserObject.of(await this.#accounts.endUserSessions(admin, id, context.source));
  }
}
