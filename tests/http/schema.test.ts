// Where the schema is: at a URL of its own, and, unless the operator has turned it off, in the answer to introspection.
import { readFileSync } from "node:fs";

import { getIntrospectionQuery } from "graphql";
import { expect, test } from "vitest";

import { startServer } from "../support/server.ts";
import { expectRefusal } from "./refusal.ts";

test.each(["true", "false"])(
  "GET /schema.graphql has the schema with its directives (INTROSPECTION=%s)",
  async (value) => {
    const server = await startServer({ env: { INTROSPECTION: value } });
    const response = await fetch(`${server.url}/schema.graphql`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await response.text()).toBe(readFileSync("schema.graphql", "utf8"));
  },
);

test("INTROSPECTION=false refuses introspection, and says where the schema is", async () => {
  const server = await startServer({ env: { INTROSPECTION: "false" } });
  for (const query of [getIntrospectionQuery(), '{ __type(name: "User") { name } }']) {
    const answer = await server.execute(query);
    expectRefusal(answer, 400, /^GRAPHQL_VALIDATION_FAILED$/);
    expect(answer.errors[0]!.message).toBe(
      "Introspection is off at this server. Its schema is at /schema.graphql. INTROSPECTION=true in its configuration turns it on.",
    );
  }
  expect((await server.execute("{ __typename }")).data).toEqual({ __typename: "Query" });
});
