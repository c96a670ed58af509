// The sessions of the current user, one per device.
import { Arg, Args, Authorized, Ctx, ID, Mutation, Query, Resolver } from "type-graphql";

import { AccountError } from "../accounts/rules/account-error.ts";
import type { Accounts } from "../accounts/accounts.ts";
import { PasswordArgs } from "./arguments.ts";
import { clearOwnCookie } from "./clear-own-cookie.ts";
import type { RequestContext } from "./context.ts";
import { Errors } from "./errors-directive.ts";
import { OncePerOperation } from "./once-per-operation.ts";
import { AuthPayload, MessagePayload } from "./payloads.ts";
import { SessionObject } from "./session.object.ts";

@Resolver()
export class SessionResolver {
  readonly #accounts: Accounts;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  @Authorized()
  @Query(() => [SessionObject], {
    description: "The sessions of the current user, most recently used first. There are at most 100.",
  })
  @Errors("UNAUTHENTICATED")
  async sessions(@Ctx() context: RequestContext): Promise<SessionObject[]> {
    const viewer = await context.viewer();
    const sessions = await this.#accounts.listSessions(viewer);
    return sessions.map((session) => SessionObject.of(session, viewer.session.id));
  }

  @Mutation(() => AuthPayload, {
    nullable: true,
    description:
      "Exchanges a refresh token for its successor and a new access token. If the answer was lost, the same token can be " +
      "used again. Using it after its successor was used ends the session.",
  })
  @Errors("BAD_USER_INPUT", "INVALID_TOKEN")
  @OncePerOperation()
  async refreshSession(
    @Ctx() context: RequestContext,
    @Arg("refreshToken", () => String, {
      nullable: true,
      description:
        "The refresh token of the session. Omit it if it is sent as a cookie (header `Session-Transport: cookie`).",
    })
    refreshToken: string | null | undefined,
  ): Promise<AuthPayload> {
    const token = refreshToken ?? context.refreshCookie?.read() ?? "";
    try {
      return AuthPayload.of(await this.#accounts.refreshSession(token, context.source), context);
    } catch (error) {
      // During an outage nobody knows whether the token is good.
      if (error instanceof AccountError && error.code !== "SERVICE_UNAVAILABLE")
        context.refreshCookie?.clear();
      throw error;
    }
  }

  @Authorized()
  @Mutation(() => MessagePayload, {
    nullable: true,
    description:
      "Confirms the password of the current user for this session. What administrators do to other users asks for a " +
      "password that was given in the last 10 minutes, here or at a login, and is refused with PASSWORD_REQUIRED otherwise.",
  })
  @Errors("UNAUTHENTICATED", "BAD_USER_INPUT", "INVALID_CREDENTIALS", "SERVER_BUSY", "RATE_LIMITED")
  @OncePerOperation()
  async confirmPassword(
    @Ctx() context: RequestContext,
    @Args(() => PasswordArgs) { password }: PasswordArgs,
  ): Promise<MessagePayload> {
    const viewer = await context.viewer();
    return MessagePayload.of(await this.#accounts.stepUp(viewer, password, context.source));
  }

  @Authorized()
  @Mutation(() => MessagePayload, {
    nullable: true,
    description: "Logs the current user out on this device: ends the session of the request.",
  })
  @Errors("UNAUTHENTICATED")
  async logout(@Ctx() context: RequestContext): Promise<MessagePayload> {
    const viewer = await context.viewer();
    const message = await this.#accounts.logout(viewer, context.source);
    clearOwnCookie(this.#accounts, viewer, context);
    return MessagePayload.of(message);
  }

  @Authorized()
  @Mutation(() => MessagePayload, {
    nullable: true,
    description: "Logs the current user out on every device, including this one.",
  })
  @Errors("UNAUTHENTICATED")
  async logoutEverywhere(@Ctx() context: RequestContext): Promise<MessagePayload> {
    const viewer = await context.viewer();
    const message = await this.#accounts.logoutEverywhere(viewer, context.source);
    clearOwnCookie(this.#accounts, viewer, context);
    return MessagePayload.of(message);
  }

  @Authorized()
  @Mutation(() => MessagePayload, {
    nullable: true,
    description: "Ends one session of the current user, for example on a lost device.",
  })
  @Errors("UNAUTHENTICATED", "NOT_FOUND")
  async revokeSession(
    @Ctx() context: RequestContext,
    @Arg("id", () => ID, { description: "The ID of the session to end, from `sessions`." }) id: string,
  ): Promise<MessagePayload> {
    const viewer = await context.viewer();
    return MessagePayload.of(await this.#accounts.revokeSession(viewer, id, context.source));
  }
}
