// The data folder (DATA_DIR): it belongs to one running server at a time, and keeps the secrets the server
// makes for itself.
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

/** Another process holds the data folder. */
export class DataDirInUseError extends Error {
  constructor(path: string, cause: unknown) {
    super(
      `The data folder ${path} is in use by another running account server: ` +
        `stop that one, or give this one a DATA_DIR of its own.`,
      { cause },
    );
    this.name = "DataDirInUseError";
  }
}

export interface DataDirLock {
  release(): Promise<void>;
}

/**
 * Creates the data folder where it is missing and takes it for this process. The kernel holds the lock and
 * lets go of it with the process, however that ends: no lock is ever left behind.
 * @throws {DataDirInUseError}
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  const created = await mkdir(dataDir, { recursive: true });
  // Whatever the umask: PostgreSQL may run as another user, who has to pass through.
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

/** Holds the name of an abstract socket (Linux) or of a named pipe (Windows), which leave no file behind. */
async function listenOn(name: string): Promise<DataDirLock> {
  const server = createServer((socket) => socket.destroy()).unref();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(name, resolve);
  });
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** Holds a file by a flag of macOS and the BSDs that opens and locks in one step; Node has no name for it. */
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
 * Returns the secret kept in a file; where the file is missing, a random one is made and kept there first,
 * readable by this user only and never half-written.
 */
export function readOrCreateSecret(path: string): string {
  const secret = readSecret(path) ?? createSecret(path);
  if (secret !== "") return secret;
  throw new Error(
    `The secret file ${path} is empty: bring back its content, or delete it to have a new one made.`,
  );
}

/** The secret kept in a file, if there is the file. */
export function readSecret(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    if (errorCode(error) !== "EACCES") throw error;
    throw new Error(
      `The secret file ${path} belongs to another user, so this server can't read it: ` +
        `start the server as that user, or change the owner of the data folder with chown.`,
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

/** Puts a finished file in its place, where one that got there first stays. */
function publish(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    // Some file systems have no hard links.
    if (errorCode(error) !== "EEXIST") renameSync(draft, path);
  }
}

function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
