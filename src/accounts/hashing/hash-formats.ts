// The hash formats that are understood: the one made here, and those of other systems.

/** OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, 2 passes, 1 lane. */
export const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

const { memoryCost, timeCost, parallelism } = PARAMETERS;
/** What the password for an unknown user is compared with, so that it takes as long as for a known one. No password made it. */
export const DECOY = `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${"A".repeat(22)}$${"A".repeat(43)}`;

const ARGON2 =
  /^\$argon2(?:id|i|d)\$(?:v=(?:16|19)\$)?m=\d+,(?:t=\d+,p=\d+|p=\d+,t=\d+)\$[A-Za-z0-9+/]{11,128}\$[A-Za-z0-9+/]{22,128}$/;
export const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
/** Python's passlib, with a base64 of its own: `.` instead of `+`, and no padding. */
export const PBKDF2 = /^\$pbkdf2-sha512\$([1-9]\d*)\$([./A-Za-z0-9]+)\$([./A-Za-z0-9]{86})$/;

/** With them a login takes a second or two at most: no imported hash may stall the server. */
const ARGON2_MAX = { memoryKiB: 262_144, memoryTimesPasses: 1_048_576, lanes: 16 };
const BCRYPT_MAX_COST = 15;
const PBKDF2_MAX_ROUNDS = 1_000_000;

/** Whether the hash has another format than new ones, or weaker parameters. */
export function isOutdated(hash: string): boolean {
  if (!hash.startsWith("$argon2id$v=19$")) return true;
  return cost(hash, "m") < PARAMETERS.memoryCost || cost(hash, "t") < PARAMETERS.timeCost;
}

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
