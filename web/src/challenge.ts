// Solves the challenges that the server asks for when it is under attack, without a click: an operation that is answered with
// CHALLENGE_REQUIRED is sent again with the solution.
import { authExchange } from "@urql/exchange-auth";
import type { Challenge } from "altcha-lib";
import { Kind, type DocumentNode } from "graphql";
import { makeOperation, type CombinedError } from "urql";

import SolvingWorker from "./challenge.worker.ts?worker";

const MAX_WORKERS = 4;

/** The same as renewing an access token: refuse, fetch something, send again. */
export const challengeExchange = authExchange(() => {
  let challenge: Challenge | undefined;
  let solution: string | undefined;
  return Promise.resolve({
    addAuthToOperation(operation) {
      if (solution === undefined || !takesSolution(operation.query)) return operation;
      const variables = { ...(operation.variables as object), challengeSolution: solution };
      solution = undefined; // each is good once
      return makeOperation(operation.kind, { ...operation, variables }, operation.context);
    },
    didAuthError(error) {
      challenge = challengeOf(error);
      return challenge !== undefined;
    },
    async refreshAuth() {
      if (challenge) solution = await solve(challenge);
    },
  });
});

function challengeOf(error: CombinedError): Challenge | undefined {
  const required = error.graphQLErrors.find(({ extensions }) => extensions["code"] === "CHALLENGE_REQUIRED");
  return required?.extensions["challenge"] as Challenge | undefined;
}

function takesSolution(document: DocumentNode): boolean {
  return document.definitions.some(
    (definition) =>
      definition.kind === Kind.OPERATION_DEFINITION &&
      definition.variableDefinitions?.some(({ variable }) => variable.name.value === "challengeSolution"),
  );
}

/** Base64 of JSON, as the server takes it. In workers, so that the page stays responsive. */
async function solve(challenge: Challenge): Promise<string> {
  const { solveChallengeWorkers } = await import("altcha-lib"); // most visitors never need it
  const solution = await solveChallengeWorkers({
    challenge,
    concurrency: Math.min(MAX_WORKERS, navigator.hardwareConcurrency),
    createWorker: () => new SolvingWorker(),
  });
  return btoa(JSON.stringify({ challenge, solution }));
}
