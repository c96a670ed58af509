// Reads a password. It is never an argument, because every user of the machine can see those in the process list.
import { text } from "node:stream/consumers";

import prompt from "@inquirer/password";

/**
 * Asks for the password twice, without echo. If standard input is not a terminal, its first line is the password, and a
 * second line, if there is one, must repeat it.
 * @throws {Error} if the two passwords differ
 */
export async function askPassword(): Promise<string> {
  const [password = "", repeated = password] = process.stdin.isTTY ? await typed() : await piped();
  if (password !== repeated) throw new Error("The passwords differ. Nothing was changed.");
  return password;
}

async function typed(): Promise<string[]> {
  const ask = (message: string) =>
    prompt({ message, mask: false, toggleMask: false }, { output: process.stderr });
  return [await ask("Password:"), await ask("Repeat the password:")];
}

async function piped(): Promise<string[]> {
  const lines = (await text(process.stdin)).split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}
