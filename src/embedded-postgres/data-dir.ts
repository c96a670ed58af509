// The data folder (DATA_DIR): locks it, so that only one server uses it at a time, and keeps the secrets that the server
// generates.
import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { chmod, mkdir, realpath } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";

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
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  const created = await mkdir(dataDir, { recursive: true });
  // Independent of the umask, because PostgreSQL may run as another user who must be able to enter the folder.
  if (created !== undefined) await chmod(dataDir, 0o755);

  const path = await realpath(dataDir);
  const name = `account-server-${createHash("sha256").update(path).digest("hex")}`;
  try {
    if (process.platform === "linux") return await listenOn(`\0${name}`);
    if (process.platform === "win32") return await listenOn(`\\\\.\\pipe\\${name}`);
    return openExclusively(join(path, "lock"));
  } catch (error) {
    if (!["EADDRINUSE", "EAGAIN"].includes(errorCode(error) ?? "")) throw error;
    throw new DataDirInUseError(path, error);
  }
}

/** Listens on an abstract socket (Linux) or a named pipe (Windows), which leave no file behind. */
async function listenOn(name: string): Promise<DataDirLock> {
  const server = createServer((socket) => socket.destroy()).unref();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(name, resolve);
  });
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** Opens and locks a file in one step with O_EXLOCK, a flag of macOS and the BSDs that Node has no constant for. */
function openExclusively(path: string): DataDirLock {
  const O_EXLOCK = 0x20;
  const descriptor = openSync(
    path,
    constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | O_EXLOCK,
    0o600,
  );
  let held = true;
  return {
    release() {
      if (held) closeSync(descriptor);
      held = false;
      return Promise.resolve();
    },
  };
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

/** The secret in a file, or undefined if the file does not exist. */
export function readSecret(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    if (errorCode(error) !== "EACCES") throw error;
    throw new Error(
      `The secret file ${path} belongs to another user, so this server can't read it. ` +
        `Start the server as that user, or change the owner of the data folder with chown.`,
      { cause: error },
    );
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
