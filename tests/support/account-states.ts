// Accounts in every state that an email address can have, and every operation to which anybody can give one. They are written into the
// table, because the public door would take a password hash, an email and a day for each.
import type { Answer, GraphQLDoor } from "./graphql.ts";

/** How the rows of an account in each state differ from those of an active one; none for nobody. */
const ROWS = {
  unknown: [],
  pending: [{ is_active: false, confirmation_expires_at: "1 day" }],
  "pending and contested": [{ is_active: false, confirmation_expires_at: "1 day", is_contested: true }],
  expired: [{ is_active: false, confirmation_expires_at: "-1 minute" }],
  active: [{}],
  "active beside a pending one": [{}, { is_active: false, confirmation_expires_at: "1 day" }],
  deactivated: [{ deactivated_at: "-1 minute" }],
  "to be deleted": [{ erase_at: "29 days" }],
  erased: [{ erase_at: "-1 minute" }],
} as const satisfies Record<string, readonly Row[]>;

interface Row {
  readonly is_active?: boolean;
  readonly is_contested?: boolean;
  readonly confirmation_expires_at?: string;
  readonly deactivated_at?: string;
  readonly erase_at?: string;
}

export type State = keyof typeof ROWS;
export const STATES = Object.keys(ROWS) as State[];

interface Database {
  readonly query: (sql: string, values: unknown[]) => Promise<unknown>;
}

/** Stores the accounts of `name@example.com`, of which the first has the username `name`. */
export async function storeAccounts(
  database: Database,
  accounts: readonly { readonly name: string; readonly state: State }[],
  passwordHash: string,
): Promise<void> {
  const rows = accounts.flatMap(({ name, state }) =>
    (ROWS[state] as readonly Row[]).map((row, index) => ({
      username: index === 0 ? name : `second-${name}`.slice(0, 32),
      email: `${name}@example.com`,
      is_active: true,
      is_contested: false,
      ...row,
    })),
  );
  await database.query(
    `insert into accounts.users (id, username, email, password_hash, locale, roles, is_active, is_contested, credential_version,
       confirmation_expires_at, deactivated_at, erase_at, created_at, updated_at)
     select gen_random_uuid(), username, email, $2, 'en', '{USER}', is_active, is_contested, 1,
       now() + confirmation_expires_at, now() + deactivated_at, now() + erase_at, now() - interval '1 hour', now() - interval '1 hour'
     from json_to_recordset($1) as row (username text, email text, is_active boolean, is_contested boolean,
       confirmation_expires_at interval, deactivated_at interval, erase_at interval)`,
    [JSON.stringify(rows), passwordHash],
  );
}

/** What a stranger can ask about `name`, who may have an account; a username is public, so `register` takes another one. */
export const QUESTIONS: Readonly<
  Record<string, (door: GraphQLDoor, name: string, more?: object) => Promise<Answer<unknown>>>
> = {
  register: (door, name, more) =>
    door.register({ username: `new-${name}`, email: emailOf(name), password: GUESS, ...more }),
  resendRegistration: (door, name) => door.resendRegistration({ email: emailOf(name) }),
  requestReset: (door, name, more) => door.requestReset({ email: emailOf(name), ...more }),
  "login by username": (door, name, more) => door.login({ username: name, password: GUESS, ...more }),
  "login by email address": (door, name, more) =>
    door.login({ username: emailOf(name), password: GUESS, ...more }),
};

const GUESS = "a guess of a stranger";
const emailOf = (name: string) => `${name}@example.com`;
