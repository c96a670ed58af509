// Makes the file of PASSWORD_FILTER from a published list of breached passwords. The list may have a billion lines and any order:
// it is read once to count them, then once for each part of the filter that fits in memory.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";

import { eachBit, headerOf, shapeFor, type FilterShape } from "../accounts/hashing/password-filter.ts";

const PART_BYTES = 1024 * 1024 * 1024;
/** Such a file is no list, and would fill the memory. */
const MAX_LINE_BYTES = 1024 * 1024;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const BYTE_ORDER_MARK = Buffer.from("\uFEFF");
/** SHA-1 as published by Pwned Passwords, with how often the password was seen; rows of padding have 0. */
const SHA1_LINE = /^([0-9a-f]{40})(?::(\d+))?$/i;
const NTLM_LINE = /^[0-9a-f]{32}(?::\d+)?$/i;
/** The shortest password has 8 characters, the longest 128 of up to four bytes each. */
const PASSWORD_BYTES = { min: 8, max: 512 };

export interface FilterProgress {
  /** Of all bytes to read; called often. */
  readonly at: (bytes: number, total: number) => void;
  readonly tellBadLine: (sentence: string) => void;
}

/**
 * @param list file with a line for each password: its SHA-1 hash (`HASH:COUNT` or `HASH`), or the password itself; the first line
 * decides for all
 * @param path of the filter, which appears there once it is whole
 * @param opened receives what has to be removed if this is interrupted
 * @returns how many entries the filter has, and how many lines were no hashes
 * @throws {Error} if the list cannot be read or the filter cannot be written
 */
export async function makePasswordFilter(
  list: string,
  path: string,
  progress: FilterProgress,
  opened: AsyncDisposableStack,
): Promise<{ entries: number; badLines: number; bytes: number }> {
  const { lines, first, size } = await survey(list);
  if (NTLM_LINE.test(first)) throw new Error(`${list} has NTLM hashes. Take the list with SHA-1 hashes.`);
  const hashOf = SHA1_LINE.test(first) ? publishedHash : hashOfPassword;
  const shape = shapeFor(lines);
  const bytes = Math.ceil(shape.bits / 8);
  const parts = Math.ceil(bytes / PART_BYTES);

  const unfinished = `${path}.part`;
  opened.defer(() => rm(unfinished, { force: true }));
  await using file = await open(unfinished, "w");
  let entries = 0;
  let badLines = 0;
  for (let part = 0; part < parts; part += 1) {
    const start = part * PART_BYTES;
    const window = Buffer.alloc(Math.min(PART_BYTES, bytes - start));
    const isFirst = part === 0;
    let number = 0;
    await eachLine(
      list,
      (line) => {
        number += 1;
        const sha1 = hashOf(line);
        if (sha1 instanceof Buffer) setBits(window, start, sha1, shape);
        if (!isFirst) return;
        if (sha1 instanceof Buffer) entries += 1;
        else if (sha1 === "bad") {
          badLines += 1;
          progress.tellBadLine(`line ${number}: This is no SHA-1 hash of 40 hexadecimal digits.`);
        }
      },
      (read) => progress.at(part * size + read, parts * size),
    );
    if (isFirst) await file.write(headerOf({ ...shape, entries }));
    await file.writeFile(window);
  }
  await file.sync();
  await rename(unfinished, path);
  return { entries, badLines, bytes };
}

async function survey(list: string): Promise<{ lines: number; first: string; size: number }> {
  let lines = 0;
  let first = "";
  try {
    const { size } = await stat(list);
    await eachLine(list, (line) => {
      if (lines === 0) first = line.toString("latin1");
      lines += 1;
    });
    if (lines === 0) throw new Error("it is empty");
    return { lines, first, size };
  } catch (error) {
    throw new Error(`The list ${list} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

/** A hash; "bad" if the line has none; undefined if there is nothing to add. */
function publishedHash(line: Buffer): Buffer | "bad" | undefined {
  if (line.length === 0) return undefined;
  const [, hash, count] = SHA1_LINE.exec(line.toString("latin1")) ?? [];
  if (hash === undefined) return "bad";
  return count !== undefined && Number(count) === 0 ? undefined : Buffer.from(hash, "hex");
}

/** Nobody can have a shorter or longer one. */
function hashOfPassword(line: Buffer): Buffer | undefined {
  if (line.length < PASSWORD_BYTES.min || line.length > PASSWORD_BYTES.max) return undefined;
  return createHash("sha1").update(line).digest();
}

/** Sets those bits of an entry that are in the window, which begins at byte `start` of all bits. */
function setBits(window: Buffer, start: number, sha1: Buffer, shape: FilterShape): void {
  eachBit(sha1, shape, (bit) => {
    const index = Math.floor(bit / 8) - start;
    if (index >= 0 && index < window.length) window[index] = (window[index] ?? 0) | (1 << (bit % 8));
    return true;
  });
}

/** Calls `visit` with each line without its end, and `at` now and then with the bytes read. */
async function eachLine(
  path: string,
  visit: (line: Buffer) => void,
  at: (read: number) => void = () => undefined,
): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  let read = 0;
  let isFirst = true;
  const give = (line: Buffer) => {
    const end = line.at(-1) === CARRIAGE_RETURN ? line.length - 1 : line.length;
    const hasMark = isFirst && line.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
    isFirst = false;
    visit(line.subarray(hasMark ? BYTE_ORDER_MARK.length : 0, end));
  };
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      give(bytes.subarray(start, end));
      start = end + 1;
    }
    rest = bytes.subarray(start);
    if (rest.length > MAX_LINE_BYTES) throw new Error(`a line is longer than ${MAX_LINE_BYTES} bytes`);
    read += chunk.length;
    at(read);
  }
  if (rest.length > 0) give(rest);
}
