// The devices that are signed in.
import { Arg, Authorized, Ctx, ID, Mutation, Query, Resolver } from "type-graphql";

import { AccountError } from "../accounts/rules/account-error.ts";
import type { Accounts } from "../accounts/accounts.ts";
import type { RequestContext } from "./context.ts";
import { Errors } from "./errors-directive.ts";
import { AuthPayload, MessagePayload } from "./payloads.ts";
import { SessionObject } from "./session.object.ts";

@Resolver()
export class SessionResolver {
  readonly #accounts: Accounts;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  @Authorized()
  @Query(() => [SessionObject], { description: "One's own, the one used last first; at most 100." })
  @Errors("UNAUTHENTICATED")
  async sessions(@Ctx() context: RequestContext): Promise<SessionObject[]> {
    const viewer = await context.viewer();
    const sessions = await this.#accounts.listSessions(viewer);
    return sessions.map((session) => SessionObject.of(session, viewer.session.id));
  }

  @Mutation(() => AuthPayload, {
    description:
      "Exchanges a refresh token for its successor and a new access token. A spent token that comes again, later than " +
      "10 seconds after its first use, ends the session.",
  })
  @Errors("BAD_USER_INPUT", "INVALID_TOKEN")
  async refreshSession(
    @Ctx() context: RequestContext,
    @Arg("refreshToken", () => String, {
      nullable: true,
      description: "Left out where it travels as a cookie (header `Session-Transport: cookie`).",
    })
    refreshToken: string | null | undefined,
  ): Promise<AuthPayload> {
    const token = refreshToken ?? context.refreshCookie?.read() ?? "";
    try {
      return AuthPayload.of(await this.#accounts.refreshSession(token, context.source), context);
    } catch (error) {
      if (error instanceof AccountError) context.refreshCookie?.clear();
      throw error;
    }
  }

  @Authorized()
  @Mutation(() => MessagePayload, { description: "Ends the session of this request." })
  @Errors("UNAUTHENTICATED")
  async logout(@Ctx() context: RequestContext): Promise<MessagePayload> {
    const message = await this.#accounts.logout(await context.viewer(), context.source);
    context.refreshCookie?.clear();
    return MessagePayload.of(message);
  }

  @Authorized()
  @Mutation(() => MessagePayload, { description: "Ends every session, this one included." })
  @Errors("UNAUTHENTICATED")
  async logoutEverywhere(@Ctx() context: RequestContext): Promise<MessagePayload> {
    const message = await this.#accounts.logoutEverywhere(await context.viewer(), context.source);
    context.refreshCookie?.clear();
    return MessagePayload.of(message);
  }

  @Authorized()
  @Mutation(() => MessagePayload, { description: "Ends one of one's own sessions." })
  @Errors("UNAUTHENTICATED", "NOT_FOUND")
  async revokeSession(
    @Ctx() context: RequestContext,
    @Arg("id", () => ID, { description: "Of `sessions`." }) id: string,
  ): Promise<MessagePayload> {
    const viewer = await context.viewer();
    return MessagePayload.of(await this.#accounts.revokeSession(viewer, id, context.source));
  }
}
