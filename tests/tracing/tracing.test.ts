// Traces of the built server, as a collector receives them: what a request does, and the email that leaves later, with nothing of
// anybody in them.
import { expect, test } from "vitest";

import { Canaries } from "../support/canaries.ts";
import { attribute, TraceCollector } from "../support/collector.ts";
import { query } from "../support/postgres.ts";
import { externalParts, startProcess } from "../support/process.ts";
import { PASSWORD } from "../support/server.ts";
import { tokenIn } from "../support/smtp.ts";

const ADA = { username: "ada", email: "ada@example.com", password: PASSWORD };
/** A trace that somebody else has begun (W3C Trace Context). */
const TRACE = { id: "0af7651916cd43dd8448eb211c80319c", span: "b7ad6b7169203331" };
const TRACEPARENT = `00-${TRACE.id}-${TRACE.span}-01`;

async function startTraced(env: Record<string, string> = {}) {
  const collector = await TraceCollector.start();
  const { smtp, env: parts } = await externalParts();
  const server = await startProcess({ env: { ...parts, ...collector.env, ...env } });
  return { collector, smtp, server, databaseUrl: parts.DATABASE_URL, door: await server.ready() };
}

test("a registration and the email that leaves later are one trace, by the names of what they do", async () => {
  const { collector, door } = await startTraced();
  const answer = await door.register(ADA);
  door.succeed(answer);
  const mail = await collector.named("mail");
  await collector.named("POST /graphql");

  const { traceId } = mail;
  const paths = collector.paths(traceId);
  const useCase = "POST /graphql > mutation register > accounts.register";
  expect(paths).toEqual(
    expect.arrayContaining([
      "POST /graphql",
      "POST /graphql > mutation register",
      useCase,
      `${useCase} > hashing work`,
      `${useCase} > transaction`,
    ]),
  );
  expect(paths.filter((path) => / > sql [a-z-]+$/.test(path)).length).toBeGreaterThan(0);
  expect(paths.filter((path) => path.endsWith("> mail > mail compose"))).toHaveLength(1);
  expect(paths.filter((path) => path.endsWith("> mail > mail send"))).toHaveLength(1);
  expect(attribute(mail, "account.mail")).toBe("registration");
  const request = await collector.named("POST /graphql");
  expect(attribute(request, "account.request_id")).toBe(answer.headers.get("x-request-id"));
  expect(attribute(request, "http.response.status_code")).toBe(200);
  expect(collector.text).toContain('"service.name","value":{"stringValue":"account-server"}');
});

test("a refusal is told by its code, a fault of the server by its code and as an error", async () => {
  const { collector, door, databaseUrl } = await startTraced();
  door.refuse(await door.login(ADA), "INVALID_CREDENTIALS");
  const refused = await collector.named("mutation login");
  expect(attribute(refused, "error.type")).toBe("INVALID_CREDENTIALS");
  expect(refused.status.code ?? 0).toBe(0);

  await query(databaseUrl, "alter table accounts.users rename to elsewhere");
  door.refuse(await door.requestReset(ADA), "INTERNAL_SERVER_ERROR");
  const failed = await collector.named("mutation requestReset");
  expect(attribute(failed, "error.type"), "PostgreSQL's code for an undefined table").toBe("42P01");
  expect(failed.status).toEqual({ code: 2 });
});

test("no secret, name or address is in any span", { timeout: 120_000 }, async () => {
  const { collector, smtp, door } = await startTraced();
  const canaries = new Canaries();
  const person = {
    username: canaries.text("username", "canary-of-a-username"),
    email: canaries.text("email", "canary.of.an.address@example.com"),
    password: canaries.password("password"),
  };
  const newPassword = canaries.password("new password");
  door.succeed(await door.register(person));
  const confirmation = canaries.token("confirmation token", tokenIn(await smtp.mailTo(person.email)));
  const { accessToken, refreshToken } = door.succeed(
    await door.finalizeRegistration({ token: confirmation }),
  );
  canaries.token("access token", accessToken);
  canaries.token("refresh token", refreshToken!);
  const viewer = door
    .with({ "user-agent": canaries.text("user agent", "canary of a user agent") })
    .as(accessToken);
  viewer.succeed(await viewer.me());
  door.refuse(
    await door.login({ ...person, password: canaries.password("wrong password") }),
    "INVALID_CREDENTIALS",
  );
  viewer.succeed(await viewer.changePassword({ currentPassword: person.password, newPassword }));
  door.refuse(await door.register(person), "USERNAME_TAKEN");
  await door.execute(
    `mutation ${canaries.text("name of an operation", "canaryOfAnOperation")} { logout { message } }`,
  );
  door.succeed(await door.requestReset(person));
  const reset = canaries.token(
    "reset token",
    tokenIn(await smtp.mailTo(person.email, ({ mail }) => /reset/i.test(mail.subject ?? ""))),
  );
  door.succeed(await door.finalizeReset({ token: reset, password: canaries.password("third password") }));

  await collector.named("accounts.finalizeReset");
  await collector.span((span) => attribute(span, "account.mail") === "reset");
  expect(canaries.foundIn(Buffer.from(collector.text))).toEqual([]);
  expect(collector.text, "a statement, or a hash").not.toMatch(
    /select |insert into|update accounts|\$argon2/i,
  );
});

test("a trusted proxy's trace goes on, and nobody else's", async () => {
  const { collector, door } = await startTraced({ TRUSTED_PROXIES: "127.0.0.1" });
  await door.with({ traceparent: TRACEPARENT }).me();
  expect(await collector.named("query me")).toMatchObject({ traceId: TRACE.id });
  expect(await collector.named("POST /graphql")).toMatchObject({ parentSpanId: TRACE.span });

  const strict = await startTraced();
  await strict.door.with({ traceparent: TRACEPARENT }).me();
  const { traceId, parentSpanId } = await strict.collector.named("POST /graphql");
  expect(traceId).not.toBe(TRACE.id);
  expect(parentSpanId ?? "").toBe("");
});

test(
  "a collector that is away is told in the log once, and nobody waits for it",
  { timeout: 120_000 },
  async () => {
    const { env } = await externalParts();
    const server = await startProcess({
      env: { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_BSP_SCHEDULE_DELAY: "50" },
    });
    const door = await server.ready();
    door.succeed(await door.me());
    await expect.poll(() => server.output).toContain("traces do not reach their collector");
    door.succeed(await door.me());
    door.succeed(await door.register(ADA));
    expect(server.output.match(/traces do not reach/g)).toHaveLength(1);
    expect(await server.end("SIGTERM")).toBe(0);
  },
);

/** Prints each module of OpenTelemetry's SDK that the server loads. */
const TELLING =
  'import { registerHooks } from "node:module";' +
  'registerHooks({ load(url, context, next) { if (url.includes("/sdk-node/")) console.log("loads sdk-node"); return next(url, context); } });';

test("OpenTelemetry's SDK is loaded only where its variables ask for traces", async () => {
  const collector = await TraceCollector.start();
  const { env } = await externalParts();
  const options = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(TELLING)}` };
  const without = await startProcess({ env: { ...env, ...options } });
  await without.ready();
  expect(without.output).not.toContain("loads sdk-node");
  await without.end("SIGTERM");

  const traced = await startProcess({ env: { ...env, ...options, ...collector.env } });
  await traced.ready();
  expect(traced.output).toContain("loads sdk-node");
});
