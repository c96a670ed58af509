import type { EntityManager } from "@mikro-orm/postgresql";

import type { Dependencies } from "../dependencies.ts";
import { hashFault } from "../hashing/hash-formats.ts";
import { whereLapsed } from "../model/account-state.ts";
import type { ImportedBatch, ImportRecord } from "../model/import.ts";
import type { RequestSource } from "../model/request-source.ts";
import { Role, User } from "../model/user.entity.ts";
import { AccountError, type FieldFault } from "../rules/account-error.ts";
import { checkArguments, refuseFaults } from "../rules/argument-rules.ts";
import { foldCase } from "../rules/fold-case.ts";
import { insertUsers } from "../store/users.ts";

/** Large enough to be fast, small enough that nobody notices its memory and its locks. */
const BATCH_SIZE = 1_000;

/**
 * Imports users with their password hashes, and emails nobody. Those who are not active become pending now. Each batch is one
 * transaction and is reported once it is committed, so an import that was interrupted can be run again.
 */
export async function* importUsers(
  deps: Dependencies,
  records: AsyncIterable<ImportRecord>,
  source: RequestSource,
): AsyncGenerator<ImportedBatch> {
  let batch: ImportRecord[] = [];
  for await (const record of records) {
    batch.push(record);
    if (batch.length < BATCH_SIZE) continue;
    yield await importBatch(deps, batch, source);
    batch = [];
  }
  if (batch.length > 0) yield await importBatch(deps, batch, source);
}

async function importBatch(
  deps: Dependencies,
  records: readonly ImportRecord[],
  source: RequestSource,
): Promise<ImportedBatch> {
  const reasons = new Map<ImportRecord, string>();
  const candidates = new Map<User, ImportRecord>();
  for (const record of records) {
    try {
      candidates.set(toUser(deps, record.value), record);
    } catch (error) {
      if (!(error instanceof AccountError)) throw error;
      reasons.set(record, error.message);
    }
  }

  return deps.transaction(async (em) => {
    const names = await takenNames(deps, em, [...candidates.keys()]);
    const accepted = new Map<User, ImportRecord>();
    let existing = 0;
    for (const [user, record] of candidates) {
      const [usernameKey, emailKey] = [foldCase(user.username), foldCase(user.email)];
      if (names.emailOf.get(usernameKey) === emailKey) existing += 1;
      else if (names.emailOf.has(usernameKey))
        reasons.set(record, `The username ${user.username} belongs to another account.`);
      else if (names.emails.has(emailKey))
        reasons.set(record, `The email address ${user.email} belongs to another account.`);
      else {
        accepted.set(user, record);
        names.emailOf.set(usernameKey, emailKey);
        names.emails.add(emailKey);
      }
    }
    const inserted = await insertUsers(em, [...accepted.keys()]);
    const imported = [...accepted.keys()].filter(({ id }) => inserted.has(id));
    await deps.auditTrail.recordAll(em, "IMPORTED", imported, source);
    for (const [user, record] of accepted) {
      if (!inserted.has(user.id))
        reasons.set(record, "Another account took the username or the email address a moment ago.");
    }
    const refused = records.flatMap((record) => {
      const reason = reasons.get(record);
      return reason === undefined ? [] : [{ place: record.place, reason }];
    });
    return { imported: imported.length, existing, refused };
  });
}

/** Who has the usernames and email addresses of these users. Expired accounts give way, as they do to a registration. */
async function takenNames(deps: Dependencies, em: EntityManager, users: readonly User[]) {
  const named = {
    $or: [
      { usernameKey: { $in: users.map(({ username }) => foldCase(username)) } },
      { emailKey: { $in: users.map(({ email }) => foldCase(email)) } },
    ],
  };
  await em.nativeDelete(User, { ...named, ...whereLapsed(deps.now()) });
  const holders = await em.find(User, named, { fields: ["usernameKey", "emailKey"] });
  return {
    emailOf: new Map(holders.map(({ usernameKey, emailKey }) => [usernameKey, emailKey])),
    emails: new Set(holders.map(({ emailKey }) => emailKey)),
  };
}

interface Field {
  readonly isOptional?: true;
  readonly isGood: (value: unknown) => boolean;
  readonly wanted: string;
}

const TEXT: Field = { isGood: (value) => typeof value === "string", wanted: "text" };
const ROLES: readonly unknown[] = Object.values(Role);

const FIELDS: Readonly<Record<string, Field>> = {
  username: TEXT,
  email: TEXT,
  passwordHash: TEXT,
  roles: {
    isOptional: true,
    isGood: (value) =>
      Array.isArray(value) && value.length > 0 && value.every((role) => ROLES.includes(role)),
    wanted: `a list of ${ROLES.join(" and ")}`,
  },
  isActive: { isOptional: true, isGood: (value) => typeof value === "boolean", wanted: "true or false" },
  createdAt: {
    isOptional: true,
    isGood: (value) =>
      typeof value === "string" &&
      /^[1-9]\d{3}-\d\d-\d\d/.test(value) &&
      new Date(value).getUTCFullYear() <= 9999,
    wanted: "a time such as 2026-11-24T09:30:00Z",
  },
};

/** @throws {AccountError} BAD_USER_INPUT */
function toUser(deps: Dependencies, value: unknown): User {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new AccountError("BAD_USER_INPUT", "This is not a JSON object.");
  refuseFaults(fieldFaults(value as Record<string, unknown>));
  const fields = value as {
    username: string;
    email: string;
    passwordHash: string;
    roles?: Role[];
    isActive?: boolean;
    createdAt?: string;
  };
  const { username, email, passwordHash, isActive = true, createdAt, roles } = fields;
  checkArguments({ username, email, passwordHash }, ["username", "email"]);
  const message = hashFault(passwordHash);
  if (message) refuseFaults([{ field: "passwordHash", message }]);
  return User.create({
    username,
    email,
    passwordHash,
    locale: deps.pickLocale([]),
    ...(roles && { roles }),
    confirmationExpiresAt: isActive ? null : deps.tokens.expiry("registration"),
    ...(createdAt !== undefined && { createdAt: new Date(createdAt) }),
    now: deps.now(),
  });
}

/** Unknown fields are faults: a misspelled `is_active` must not let anybody in. */
function fieldFaults(value: Record<string, unknown>): FieldFault[] {
  const unknown = Object.keys(value)
    .filter((name) => !Object.hasOwn(FIELDS, name))
    .map((name) => ({ field: name.slice(0, 40), message: "There is no such field." }));
  const bad = Object.entries(FIELDS)
    .filter(([name, { isOptional, isGood }]) =>
      value[name] === undefined ? !isOptional : !isGood(value[name]),
    )
    .map(([field, { wanted }]) => ({ field, message: `Give ${wanted}.` }));
  return [...unknown, ...bad];
}
