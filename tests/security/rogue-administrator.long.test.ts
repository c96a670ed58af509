// Administrators who are thrown out and resist with as many requests as they can. Each test is named by what it prevents.
import { beforeAll, expect, test } from "vitest";

import type { Answer } from "../support/graphql.ts";
import { sharedServer, type ActivePerson } from "../support/server.ts";

const ROUNDS = Array.from({ length: 20 }, (_, round) => round);
const REQUESTS = 50;

const shared = sharedServer();
let root: ActivePerson;
beforeAll(async () => {
  root = await shared().admin();
});

/** Two loops of requests by which the rogue undoes what is done meanwhile, once they are under way. */
async function throwOut(resist: () => Promise<Answer<unknown>>, out: () => Promise<Answer<unknown>>) {
  const started = Promise.withResolvers<undefined>();
  const loop = async () => {
    for (let count = 0; count < REQUESTS; count += 1) {
      await resist();
      if (count === 5) started.resolve(undefined);
    }
  };
  const loops = [loop(), loop()];
  await started.promise;
  shared().succeed(await out());
  await Promise.all(loops);
}

test.each(ROUNDS)("a rogue does not get the role back by racing the demotion, round %i", async (round) => {
  const server = shared();
  const { id, accessToken } = await server.admin(`demoted-${round}`);

  await throwOut(
    () => server.as(accessToken).setUserRoles({ id, roles: ["USER", "ADMIN"] }),
    () => server.as(root.accessToken).setUserRoles({ id, roles: ["USER"] }),
  );

  expect(await server.query("select roles::text from accounts.users where id = $1", [id])).toEqual([
    { roles: "{USER}" },
  ]);
});

test.each(ROUNDS)("a rogue does not come back by racing the deactivation, round %i", async (round) => {
  const server = shared();
  const rogue = await server.admin(`deactivated-${round}`);

  await throwOut(
    () => server.as(rogue.accessToken).reactivateUser(rogue),
    () => server.as(root.accessToken).deactivateUser(rogue),
  );

  server.refuse(await server.login(rogue), "ACCOUNT_DEACTIVATED");
});
