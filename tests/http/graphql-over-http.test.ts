// The audits of the GraphQL-over-HTTP specification's own test suite.
import { serverAudits } from "graphql-http";
import { expect, test } from "vitest";

import { sharedServer } from "../support/server.ts";

const shared = sharedServer();
const names = serverAudits({ url: "" }).map(({ id, name }) => [id, name] as const);

test.each(names)("audit %s of GraphQL over HTTP: the server %s", async (id) => {
  const server = shared();
  const audit = serverAudits({ url: `${server.url}/graphql`, fetchFn: fetch }).find((each) => each.id === id);
  const result = await audit!.fn();
  // A warning is a recommendation that Apollo does not follow, such as 200 for a parse failure.
  expect(["ok", "warn", "notice"], "reason" in result ? result.reason : "").toContain(result.status);
});
