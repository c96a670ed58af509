// The whole flow by mail, as a person goes through it.
import { expect, test } from "vitest";

import { PASSWORD, startServer } from "./support/server.ts";

test("a person registers, confirms by mail, logs in, resets the password by mail, and the old password is refused", async () => {
  const server = await startServer();

  const registered = server.succeed(
    await server.register({ username: "Ada", email: "Ada@Example.com", password: PASSWORD }),
  );
  expect(registered.message).toContain("Ada");
  server.refuse(await server.login({ username: "Ada", password: PASSWORD }), "ACCOUNT_NOT_ACTIVATED");

  const confirmed = server.succeed(
    await server.finalizeRegistration({ token: await server.confirmationToken("Ada@Example.com") }),
  );
  expect(confirmed.user).toMatchObject({
    username: "Ada",
    email: "Ada@Example.com",
    roles: ["USER"],
    isActive: true,
  });
  expect(server.succeed(await server.as(confirmed.accessToken).me())).toEqual(confirmed.user);

  for (const name of ["ada", "ADA@example.COM"]) {
    expect(server.succeed(await server.login({ username: name, password: PASSWORD })).user.id).toBe(
      confirmed.user.id,
    );
  }

  server.succeed(await server.requestReset({ email: "ada@example.com" }));
  const reset = server.succeed(
    await server.finalizeReset({
      token: await server.resetToken("Ada@Example.com"),
      password: "a new battery staple",
    }),
  );
  expect(reset.user.id).toBe(confirmed.user.id);
  server.refuse(await server.as(confirmed.accessToken).me(), "UNAUTHENTICATED");
  expect(server.succeed(await server.as(reset.accessToken).me())?.username).toBe("Ada");
  server.refuse(await server.login({ username: "ada", password: PASSWORD }), "INVALID_CREDENTIALS");
  server.succeed(await server.login({ username: "ada", password: "a new battery staple" }));
  const notice = await server.smtp.mailTo("Ada@Example.com", ({ mail }) =>
    /password .* was changed/i.test(mail.subject ?? ""),
  );
  expect(notice.mail.text).toContain("Ada");
});
