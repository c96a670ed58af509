// The data folder (DATA_DIR): locks it, so that only one server uses it at a time, and keeps the secrets that the server
// generates.
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from "node:fs";
import { chmod, mkdir, open, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Another process has locked the data folder. */
export class DataDirInUseError extends Error {
  constructor(path: string, cause: unknown) {
    super(
      `The data folder ${path} is in use by another running account server. ` +
        `Stop it, or set a different DATA_DIR for this one.`,
      { cause },
    );
    this.name = "DataDirInUseError";
  }
}

export interface DataDirLock {
  release(): Promise<void>;
}

/**
 * Creates the data folder if it is missing, and locks it for this process. The kernel releases the lock when the process
 * ends, even after a crash, so no stale lock can remain.
 * @throws {DataDirInUseError}
 * @throws {Error} if other users can write to the folder
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  const created = await mkdir(dataDir, { recursive: true });
  // Independent of the umask, because PostgreSQL may run as another user who must be able to enter the folder.
  if (created !== undefined) await chmod(dataDir, 0o755);

  const path = await realpath(dataDir);
  requireOwnFolder(path);
  return lockFile(path, await lockFileIn(path));
}

/** The file to lock. Only its owner can open it, because whoever can read a file can also lock it. */
async function lockFileIn(folder: string): Promise<string> {
  const path = join(folder, "lock");
  try {
    await (await open(path, "a", 0o600)).close();
    return path;
  } catch (error) {
    if (errorCode(error) !== "EACCES") throw error;
    throw belongsToAnother(`data folder ${folder}`, error);
  }
}

/** Node has no function to lock a file, but SQLite in it does so on every system. */
async function lockFile(folder: string, path: string): Promise<DataDirLock> {
  // Imported here, because production does not use it.
  const { DatabaseSync } = await import("node:sqlite");
  const lock = new DatabaseSync(path);
  try {
    lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    const SQLITE_BUSY = 5;
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    throw new DataDirInUseError(folder, error);
  }
  return {
    release() {
      if (lock.isOpen) lock.close();
      return Promise.resolve();
    },
  };
}

/** Whoever can write to the folder can plant a secret there, and forge tokens with it. */
function requireOwnFolder(path: string): void {
  const { uid, mode } = statSync(path);
  const own = process.getuid?.();
  if (own === undefined) return; // Windows
  if (own !== ROOT && uid !== own && uid !== ROOT) throw belongsToAnother(`data folder ${path}`);
  if ((mode & OTHERS_WRITE) === 0) return;
  throw new Error(
    `Every user of this machine can write to the data folder ${path}. Delete what you do not know in it, and run ` +
      `\`chmod o-w ${path}\`, or set a different DATA_DIR.`,
  );
}

/** Only this user, the owner of its folder and root can have written a secret, and no other user can read it. */
function requireOwnSecret(path: string, { uid, mode }: Stats): void {
  const own = process.getuid?.();
  if (own === undefined) return; // Windows
  if (![own, ROOT, statSync(dirname(path)).uid].includes(uid)) throw belongsToAnother(`secret file ${path}`);
  if ((mode & OTHERS_ALL) === 0) return;
  throw new Error(
    `Every user of this machine can read the secret file ${path}. Delete the file to generate a new secret.`,
  );
}

const ROOT = 0;
const OTHERS_WRITE = 0o002;
const OTHERS_ALL = 0o007;

function belongsToAnother(what: string, cause?: unknown): Error {
  return new Error(
    `The ${what} belongs to another user, so this server can't use it. ` +
      `Start the server as that user, or change the owner of the data folder with chown.`,
    { cause },
  );
}

/**
 * Returns the secret in a file. If the file is missing, generates a secret and writes it atomically, readable only by this
 * user.
 */
export function readOrCreateSecret(path: string): string {
  const secret = readSecret(path) ?? createSecret(path);
  if (secret !== "") return secret;
  throw new Error(
    `The secret file ${path} is empty. Restore its content, or delete the file to generate a new secret.`,
  );
}

/**
 * The secret in a file, or undefined if the file does not exist.
 * @throws {Error} if another user may have written or read it
 */
export function readSecret(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    if (errorCode(error) !== "EACCES") throw error;
    throw belongsToAnother(`secret file ${path}`, error);
  }
  try {
    requireOwnSecret(path, fstatSync(file));
    return readFileSync(file, "utf8").trim();
  } finally {
    closeSync(file);
  }
}

function createSecret(path: string): string {
  const draft = `${path}.${randomBytes(4).toString("hex")}`;
  try {
    writeFileSync(draft, `${randomBytes(32).toString("base64url")}\n`, {
      mode: 0o600,
      flag: "wx",
      flush: true,
    });
    publish(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  return readSecret(path) ?? "";
}

/** Moves a complete file to its place, unless another process has already put one there. */
function publish(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    // Some file systems do not support hard links.
    if (errorCode(error) !== "EEXIST") renameSync(draft, path);
  }
}

function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
