// Where users can be imported from, each read as a stream, so that millions fit in memory.
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";

import type { ImportRecord } from "../../accounts/model/import.ts";
import { FlaskUser } from "../../database/flask-user.entity.ts";
import { connectToFlaskTable } from "../../database/orm.ts";

export interface ImportSource {
  readonly records: AsyncIterable<ImportRecord>;
  /** How much there is, in whatever unit `read` counts. */
  readonly total: number;
  readonly read: () => number;
}

/**
 * A file of a JSON object a line.
 * @param opened takes what has to be closed
 * @throws {Error} one sentence where it cannot be read
 */
export async function openFile(path: string, opened: AsyncDisposableStack): Promise<ImportSource> {
  try {
    const file = opened.use(await open(path));
    const { size } = await file.stat();
    const stream = file.createReadStream({ autoClose: false });
    const lines = createInterface({ input: stream, crlfDelay: Infinity });
    return { records: recordsOf(lines), total: size, read: () => stream.bytesRead };
  } catch (error) {
    throw new Error(`The file ${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

async function* recordsOf(lines: AsyncIterable<string>): AsyncGenerator<ImportRecord> {
  let number = 0;
  for await (const line of lines) {
    number += 1;
    const json = number === 1 ? line.replace(/^\uFEFF/, "") : line;
    if (json.trim() !== "") yield { place: `line ${number}`, value: parse(json) };
  }
}

/** Nothing for what is no JSON; the parser's own words would quote it, hash and all. */
function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/**
 * The table `users` of the Flask application, which is only read.
 * @param opened takes what has to be closed
 * @throws {Error} one sentence where it cannot be read
 */
export async function openFlaskTable(
  databaseUrl: string,
  opened: AsyncDisposableStack,
): Promise<ImportSource> {
  const orm = await connectToFlaskTable(databaseUrl);
  opened.defer(() => orm.close());
  const em = orm.em.fork();
  let read = 0;
  async function* records(): AsyncGenerator<ImportRecord> {
    for await (const user of em.stream(FlaskUser, { orderBy: { id: "asc" }, chunkSize: 1_000 })) {
      read += 1;
      yield { place: `id ${user.id}`, value: recordOf(user) };
    }
  }
  try {
    await em.find(FlaskUser, {}, { limit: 1 }); // whether all columns are there
    return { records: records(), total: await em.count(FlaskUser), read: () => read };
  } catch (error) {
    const { host, pathname } = new URL(databaseUrl);
    throw new Error(
      `The table public.users of ${pathname.slice(1)} at ${host} cannot be read: ${(error as Error).message}.`,
      { cause: error },
    );
  }
}

function recordOf({ username, email, password, roles, isActive }: FlaskUser) {
  const names = (roles ?? "").toLowerCase().split(",");
  const isAdmin = names.some((name) => name.trim() === "admin");
  const isUser = names.some((name) => name.trim() !== "admin");
  return {
    username,
    email,
    passwordHash: password,
    roles: [...(isUser ? ["USER"] : []), ...(isAdmin ? ["ADMIN"] : [])],
    isActive: isActive === true,
  };
}
