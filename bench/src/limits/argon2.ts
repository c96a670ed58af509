// argon2 alone, in a loop on every core: the upper limit for logins. Answers the IPC message "start <seconds>" with the number
// of hashes per second.
import { availableParallelism } from "node:os";

import { hashPassword, verifyPassword } from "../contenders/passwords.ts";
import { person } from "../people.ts";

const { password } = person(1);
const hash = await hashPassword(password);

process.on("disconnect", () => process.exit());
process.on("message", (seconds: number) => {
  void measure(seconds).then((rate) => process.send?.(rate));
});
process.send?.("ready");

async function measure(seconds: number): Promise<number> {
  const start = performance.now();
  let done = 0;
  const loop = async () => {
    while (performance.now() - start < seconds * 1000) {
      await verifyPassword(hash, password);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, loop));
  return (done / (performance.now() - start)) * 1000;
}
