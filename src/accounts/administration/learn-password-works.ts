import type { Dependencies } from "../dependencies.ts";
import { workOf } from "../hashing/hash-formats.ts";
import { samplePasswordHashes } from "../store/users.ts";

/** At start: under HIDE_ACCOUNT_EXISTENCE, a refused login does the work of every kind of password hash that there is. */
export async function learnPasswordWorks(deps: Dependencies): Promise<void> {
  if (!deps.hideAccountExistence) return;
  const hashes = samplePasswordHashes(deps.patientEm);
  await deps.passwords.learnWorks(hashes.then((some) => some.map(workOf)));
}
