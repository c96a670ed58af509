// Looks up by ID what clients such as Relay load again.
import { Arg, Authorized, Ctx, ID, Query, Resolver } from "type-graphql";

import type { Accounts } from "../accounts/accounts.ts";
import type { RequestContext } from "./context.ts";
import { Errors } from "./errors-directive.ts";
import { NodeObject } from "./node.object.ts";
import { SessionObject } from "./session.object.ts";
import { UserObject } from "./user.object.ts";

@Resolver()
export class NodeResolver {
  readonly #accounts: Accounts;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  @Authorized()
  @Query(() => NodeObject, {
    nullable: true,
    description:
      "Looks up an object by its ID alone: the current user, one of their sessions, or as an administrator any user. Null if there " +
      "is none, or none that the current user may see.",
  })
  @Errors("UNAUTHENTICATED")
  async node(
    @Ctx() context: RequestContext,
    @Arg("id", () => ID, { description: "The ID of the object to look up." }) id: string,
  ): Promise<UserObject | SessionObject | null> {
    const viewer = await context.viewer();
    const found = await this.#accounts.findNode(viewer, id);
    if (!found) return null;
    return "user" in found ? UserObject.of(found.user) : SessionObject.of(found.session, viewer.session.id);
  }
}
