// The sources that users can be imported from. Each is read as a stream, so that millions of users fit in memory.
import { open } from "node:fs/promises";

import type { ImportRecord } from "../../accounts/model/import.ts";
import { placeOf } from "../../database/database-url.ts";
import { FlaskUser } from "../../database/flask-user.entity.ts";
import { connectToFlaskTable } from "../../database/orm.ts";

export interface ImportSource {
  readonly records: AsyncIterable<ImportRecord>;
  /** The size of the source, in the unit of `read`. */
  readonly total: number;
  readonly read: () => number;
}

/**
 * Opens a file with one JSON object per line.
 * @param opened receives everything that has to be closed
 * @throws {Error} if the file cannot be read
 */
export async function openFile(path: string, opened: AsyncDisposableStack): Promise<ImportSource> {
  try {
    const file = opened.use(await open(path));
    const { size } = await file.stat();
    const stream = file.createReadStream({ autoClose: false, encoding: "utf8" });
    return { records: recordsOf(linesOf(stream)), total: size, read: () => stream.bytesRead };
  } catch (error) {
    throw new Error(`The file ${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

/** Far more than any user needs. A batch of users with longer lines could fill the memory. */
const LINE_MAX_CHARACTERS = 65_536;

/** @throws {Error} if a line is too long, before it has been read completely */
async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let number = 0;
  let rest = "";
  const next = (line: string) => {
    number += 1;
    if (line.length <= LINE_MAX_CHARACTERS) return line;
    throw new Error(
      `Line ${number} is longer than ${LINE_MAX_CHARACTERS} characters, so the import stopped before it. ` +
        "Correct the line and run the import again.",
    );
  };
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield next(line);
    if (rest.length > LINE_MAX_CHARACTERS) next(rest);
  }
  yield next(rest);
}

async function* recordsOf(lines: AsyncIterable<string>): AsyncGenerator<ImportRecord> {
  let number = 0;
  for await (const line of lines) {
    number += 1;
    const json = number === 1 ? line.replace(/^\uFEFF/, "") : line;
    if (json.trim() !== "") yield { place: `line ${number}`, value: parse(json) };
  }
}

/** Undefined for invalid JSON. The parser's message is not used, because it would quote the line with its hash. */
function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/**
 * Opens the table `users` of the Flask application, read-only.
 * @param opened receives everything that has to be closed
 * @throws {Error} if the table cannot be read
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
    await em.find(FlaskUser, {}, { limit: 1 }); // fails if a column is missing
    return { records: records(), total: await em.count(FlaskUser), read: () => read };
  } catch (error) {
    throw new Error(
      `The table public.users of ${placeOf(databaseUrl)} cannot be read: ${(error as Error).message}.`,
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
