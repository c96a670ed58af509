// A password, never as an argument: those are everybody's to read in the list of processes.
import { text } from "node:stream/consumers";

import prompt from "@inquirer/password";

/**
 * Asks twice without echo; where standard input is no terminal, its first line is the password, and a second one has to
 * repeat it.
 * @throws {Error} where the two differ
 */
export async function askPassword(): Promise<string> {
  const [password = "", repeated = password] = process.stdin.isTTY ? await typed() : await piped();
  if (password !== repeated) throw new Error("The two passwords differ: nothing was changed.");
  return password;
}

async function typed(): Promise<string[]> {
  const ask = (message: string) => prompt({ message, mask: false }, { output: process.stderr });
  return [await ask("Password:"), await ask("The same again:")];
}

async function piped(): Promise<string[]> {
  const lines = (await text(process.stdin)).split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}
