// The hash formats that are understood: the one made here, and those of other systems.

/** How much work an argon2id hash is, on one lane. */
export interface WorkFactor {
  readonly memoryKiB: number;
  readonly passes: number;
}

/** OWASP Password Storage Cheat Sheet: the least that argon2id should do. */
export const MIN_WORK_FACTOR: WorkFactor = { memoryKiB: 19_456, passes: 2 };

const ARGON2 =
  /^\$argon2(?:id|i|d)\$(?:v=(?:16|19)\$)?m=\d+,(?:t=\d+,p=\d+|p=\d+,t=\d+)\$[A-Za-z0-9+/]{11,128}\$[A-Za-z0-9+/]{22,128}$/;
export const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
/** Python's passlib, with a base64 of its own: `.` instead of `+`, and no padding. */
export const PBKDF2 = /^\$pbkdf2-sha512\$([1-9]\d*)\$([./A-Za-z0-9]+)\$([./A-Za-z0-9]{86})$/;

/** With them a login takes a second or two at most: no imported hash may stall the server. */
const ARGON2_MAX = { memoryKiB: 262_144, memoryTimesPasses: 1_048_576, lanes: 16 };
const BCRYPT_MAX_COST = 15;
const PBKDF2_MAX_ROUNDS = 1_000_000;

/** Whether the hash has another format than new ones, less work, or another pepper. */
export function isOutdated(
  hash: string,
  { memoryKiB, passes }: WorkFactor,
  pepperVersion: number | null,
): boolean {
  if (!hash.startsWith("$argon2id$v=19$") || pepperVersionOf(hash) !== pepperVersion) return true;
  return cost(hash, "m") < memoryKiB || cost(hash, "t") < passes;
}

const KEY_ID = /,keyid=(\d+)/;

/**
 * The version of the pepper that a hash was made with; null for none. It is the parameter `keyid` of PHC strings, which exists for
 * this and which argon2 itself does not read.
 */
export function pepperVersionOf(hash: string): number | null {
  const version = KEY_ID.exec(hash)?.[1];
  return version === undefined ? null : Number(version);
}

/** @param hash of argon2 */
export function withPepperVersion(hash: string, version: number): string {
  return hash.replace(/^(\$argon2id\$v=19\$[^$]+)/, `$1,keyid=${version}`);
}

/** What decides how long it takes to compare a password with the hash: its format and parameters. */
export function workOf(hash: string): string {
  const bcrypt = BCRYPT.exec(hash);
  if (bcrypt) return `$2b$${bcrypt[1]}`;
  const pbkdf2 = PBKDF2.exec(hash);
  if (pbkdf2) return `$pbkdf2-sha512$${pbkdf2[1]}`;
  const [, type, version = "v=16"] = /^\$(argon2(?:id|i|d))\$(v=\d+)?/.exec(hash) ?? [];
  return `$${type}$${version}$m=${cost(hash, "m")},t=${cost(hash, "t")},p=${cost(hash, "p")}`;
}

/** A hash of the same work that no password made. */
export function decoyOf(work: string): string {
  if (work.startsWith("$2b$")) return `${work}$${".".repeat(53)}`;
  if (work.startsWith("$pbkdf2")) return `${work}$${".".repeat(22)}$${".".repeat(86)}`;
  return `${work}$${"A".repeat(22)}$${"A".repeat(43)}`;
}

/** The work of a hash that is made now. */
export const workOfNew = ({ memoryKiB, passes }: WorkFactor) =>
  `$argon2id$v=19$m=${memoryKiB},t=${passes},p=1`;

/** Why a hash of another system cannot be imported; undefined if it can be verified at an acceptable cost. */
export function hashFault(hash: string): string | undefined {
  if (ARGON2.test(hash)) {
    const [memory, passes, lanes] = [cost(hash, "m"), cost(hash, "t"), cost(hash, "p")];
    const isPossible = passes >= 1 && lanes >= 1 && memory >= 8 * lanes;
    const { memoryKiB, memoryTimesPasses, lanes: maxLanes } = ARGON2_MAX;
    if (isPossible && memory <= memoryKiB && memory * passes <= memoryTimesPasses && lanes <= maxLanes)
      return undefined;
    return `The hash asks for m=${memory},t=${passes},p=${lanes}: at most m=${memoryKiB}, m*t=${memoryTimesPasses} and p=${maxLanes} are taken.`;
  }
  const bcryptCost = Number(BCRYPT.exec(hash)?.[1] ?? NaN);
  if (bcryptCost >= 4 && bcryptCost <= BCRYPT_MAX_COST) return undefined;
  if (bcryptCost >= 0) return `The hash has the cost ${bcryptCost}: 4 to ${BCRYPT_MAX_COST} are taken.`;
  const rounds = Number(PBKDF2.exec(hash)?.[1] ?? NaN);
  if (rounds <= PBKDF2_MAX_ROUNDS) return undefined;
  if (rounds > 0) return `The hash has ${rounds} rounds: at most ${PBKDF2_MAX_ROUNDS} are taken.`;
  return "The hash is of an unknown kind: argon2, bcrypt ($2a$, $2b$, $2y$) and passlib's $pbkdf2-sha512$ are taken.";
}

/** A parameter of an argon2 hash. */
function cost(hash: string, name: "m" | "t" | "p"): number {
  return Number(new RegExp(`[$,]${name}=(\\d+)`).exec(hash)?.[1] ?? 0);
}
