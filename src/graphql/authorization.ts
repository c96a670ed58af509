// @Authorized() requires a user who is logged in; @Authorized(Role.ADMIN) requires an administrator.
import type { AuthCheckerFn } from "type-graphql";

import { forbidden } from "../accounts/rules/account-error.ts";
import type { Role } from "../accounts/model/user.entity.ts";
import type { RequestContext } from "./context.ts";

/** @throws {AccountError} UNAUTHENTICATED, FORBIDDEN */
export const isAuthorized: AuthCheckerFn<RequestContext, Role> = async ({ context }, roles) => {
  const { user } = await context.viewer();
  if (roles.length > 0 && !roles.some((role) => user.roles.includes(role))) throw forbidden();
  return true;
};
