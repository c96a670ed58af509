// `npm run account -- COMMAND`: what the operator does to accounts at the command line.
import "./node-version.ts";

import { Command } from "commander";

import type { Accounts } from "../accounts/accounts.ts";
import { createAdmin, deactivate, importAll, list, reactivate, resend, reset } from "./account/commands.ts";
import { openFile, openFlaskTable } from "./account/import-sources.ts";
import { openAccounts } from "../app/operator-accounts.ts";
import { loadConfig, readEnvironment } from "../config/config.ts";
import { parseDatabaseUrl } from "../config/database-url.ts";

/** What has been opened, closed in the opposite order. */
const opened = new AsyncDisposableStack();
const state = { isStopping: false };

process.on("uncaughtException", fail);
// In order, so that no PostgreSQL is left running; a second signal ends at once.
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)
  process.once(signal, () => end(code));
// As in `... list | head`: nobody is left to read.
process.stdout.on("error", () => end(0));

const program = new Command("npm run account --")
  .description("Administers accounts, with the configuration of the server, whether it runs or not.")
  .showHelpAfterError("(--help tells more)");
program
  .command("create-admin <username> <email>")
  .description("add an active administrator; asks for the password, or reads it from standard input")
  .option("--existing", "give the role to a user who exists")
  .action((username: string, email: string, { existing = false }: { existing?: boolean }) =>
    run((accounts) => createAdmin(accounts, username, email, existing)),
  );
program
  .command("list")
  .description("list users: registered, state, roles, username, address")
  .option("--search <prefix>", "only those whose username or address begins so")
  .action(({ search }: { search?: string }) => run((accounts) => list(accounts, search)));
for (const [command, description, work] of [
  ["deactivate", "sign a user out everywhere and let nobody in again", deactivate],
  ["reactivate", "take that back", reactivate],
  ["reset", "mail a link that sets a new password", reset],
  ["resend", "mail a new confirmation link", resend],
] as const) {
  program
    .command(`${command} <name>`)
    .description(`${description}; by username or address`)
    .action((name: string) => run((accounts) => work(accounts, name)));
}
program
  .command("import [file]")
  .description("take users over with their password hashes, from a file of a JSON object a line")
  .option("--from <database-url>", "from the Flask application's table users instead")
  .action((file: string | undefined, { from }: { from?: string }, command: Command) => {
    if ((file === undefined) === (from === undefined)) command.error("error: give a file or --from");
    return run(async (accounts) => {
      const source =
        from === undefined
          ? await openFile(file ?? "", opened)
          : await openFlaskTable(parseDatabaseUrl("--from", from), opened);
      if (!(await importAll(accounts, source))) process.exitCode = 1;
    });
  });
await program.parseAsync();

async function run(work: (accounts: Accounts) => Promise<void>): Promise<void> {
  try {
    await work(await openAccounts(loadConfig(readEnvironment()), opened));
    await opened.disposeAsync();
  } catch (error) {
    fail(error as Error);
  }
}

/** A refusal is one sentence for the operator; a bug comes with its stack. */
function fail(error: Error): void {
  if (state.isStopping) return;
  const isCancelled = error.name === "ExitPromptError"; // Ctrl-C at the password
  if (!isCancelled) {
    console.error(error instanceof TypeError || error instanceof ReferenceError ? error : error.message);
  }
  end(isCancelled ? 130 : 1);
}

function end(code: number): void {
  if (state.isStopping) return;
  state.isStopping = true;
  process.exitCode = code; // also where nothing is left to wait for
  void opened
    .disposeAsync()
    .catch(() => undefined)
    .finally(() => process.exit(code));
}
