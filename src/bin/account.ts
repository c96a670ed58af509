// `npm run account -- COMMAND`: administration of accounts at the command line.
import "./node-version.ts";

import { Command, Option } from "commander";

import {
  afterRestore,
  cleanUp,
  createAdmin,
  deactivate,
  importAll,
  makeFilter,
  reactivate,
  resend,
  reset,
  verify,
} from "./account/commands.ts";
import { events, list, sessions, show } from "./account/show-commands.ts";
import { discardMails, listMails, retryMails, showMail, testMail } from "./account/mail-commands.ts";
import { openFile, openFlaskTable } from "./account/import-sources.ts";
import { printError, visibleLines } from "./terminal.ts";
import { openAccounts, type Opened } from "../app/operator-accounts.ts";
import { MAIL_STATES, type QueuedEmailState } from "../accounts/model/queued-email.ts";
import { loadConfig, readEnvironment } from "../config/config.ts";
import { parseDatabaseUrl } from "../database/database-url.ts";
import { packageVersion } from "../version.ts";

/** Everything that has been opened, closed in reverse order. */
const opened = new AsyncDisposableStack();
const state = { isStopping: false };

process.on("uncaughtException", fail);
// Stops in order, so that no embedded PostgreSQL is left running. A second signal ends the process at once.
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)
  process.once(signal, () => end(code));
// The reader has closed the pipe, as in `... list | head`.
process.stdout.on("error", () => end(0));

/** For programs, instead of columns. */
const JSON_LINES = new Option("--json", "print one JSON object per line");

const program = new Command("npm run account --")
  .description(
    "Administers accounts with the configuration of the server, whether or not the server is running.",
  )
  .version(packageVersion(), "-V, --version", "print the version of the server")
  .configureOutput({ outputError: (text, write) => write(visibleLines(text)) })
  .showHelpAfterError("(use --help for more information)");
program
  .command("create-admin <username> <email>")
  .description("add an active administrator (asks for the password, or reads it from standard input)")
  .option("--existing", "make an existing user an administrator")
  .action((username: string, email: string, { existing = false }: { existing?: boolean }) =>
    run((parts) => createAdmin(parts, username, email, existing)),
  );
program
  .command("list")
  .description("list users: registration time, state, roles, username, email address")
  .option("--search <prefix>", "only users whose username or email address begins with this text")
  .addOption(JSON_LINES)
  .action(({ json = false, ...options }: { json?: boolean; search?: string }) =>
    run((parts) => list(parts, { ...options, json })),
  );
for (const [command, description, work] of [
  ["show", "show a user", show],
  ["sessions", "list the devices on which a user is logged in", sessions],
  ["events", "list what happened to a user's account, newest first", events],
] as const) {
  program
    .command(`${command} <name>`)
    .description(`${description} (by username or email address)`)
    .addOption(JSON_LINES)
    .action((name: string, { json = false }: { json?: boolean }) =>
      run((parts) => work(parts, name, { json })),
    );
}
for (const [command, description, work] of [
  ["deactivate", "log a user out everywhere and block logins", deactivate],
  ["reactivate", "undo a deactivation", reactivate],
  ["reset", "email a password reset link", reset],
  ["resend", "email another confirmation link", resend],
] as const) {
  program
    .command(`${command} <name>`)
    .description(`${description} (by username or email address)`)
    .action((name: string) => run((parts) => work(parts, name)));
}
program
  .command("import [file]")
  .description("import users with their password hashes from a file with one JSON object per line")
  .option("--from <database-url>", "import from the table users of the Flask application instead")
  .action((file: string | undefined, { from }: { from?: string }, command: Command) => {
    if ((file === undefined) === (from === undefined))
      command.error("error: specify either a file or --from");
    return run(async ({ accounts }) => {
      const source =
        from === undefined
          ? await openFile(file ?? "", opened)
          : await openFlaskTable(parseDatabaseUrl("--from", from), opened);
      if (!(await importAll(accounts, source))) process.exitCode = 1;
    });
  });
program
  .command("verify")
  .description("check that accounts, sessions, emails and the audit trail agree (reads whole tables)")
  .action(() =>
    run(async ({ accounts }) => {
      if (!(await verify(accounts))) process.exitCode = 1;
    }),
  );
program
  .command("password-filter <list> <filter>")
  .description("make the file of PASSWORD_FILTER from a list of breached passwords or of their SHA-1 hashes")
  .action((list: string, filter: string) =>
    closing(async () => {
      if (!(await makeFilter(list, filter, opened))) process.exitCode = 1;
    }),
  );
program
  .command("after-restore")
  .description("make a database that was restored from a backup safe, before a server starts")
  .action(() => run(afterRestore));
program
  .command("clean-up")
  .description("remove what has expired, as the daily job does, however long ago that ran")
  .action(() => run(({ accounts }) => cleanUp(accounts)));
const mail = program.command("mail").description("show and decide about the emails that are not sent yet");
mail
  .command("list")
  .description("count the emails, and list them: time, state, attempts, id, email, last error")
  .addOption(
    new Option("--state <state>", "only emails in this state (default: all but done)").choices(MAIL_STATES),
  )
  .addOption(JSON_LINES)
  .action(({ json = false, ...options }: { json?: boolean; state?: QueuedEmailState }) =>
    run(({ accounts }) => listMails(accounts, { ...options, json })),
  );
mail
  .command("show <id>")
  .description("show one email, and whom it goes to")
  .addOption(JSON_LINES)
  .action((id: string, { json = false }: { json?: boolean }) =>
    run(({ accounts }) => showMail(accounts, id, { json })),
  );
for (const [command, description, work] of [
  ["retry", "send a failed email again, or one that waits for its time at once", retryMails],
  ["discard", "delete an email that was not sent", discardMails],
] as const) {
  mail
    .command(`${command} [id]`)
    .description(description)
    .option("--all", "all emails that have failed")
    .action((id: string | undefined, { all = false }: { all?: boolean }, command: Command) => {
      if ((id === undefined) !== all) command.error("error: specify either an id or --all");
      return run(({ accounts }) => work(accounts, id));
    });
}
mail
  .command("test <address>")
  .description("send a test email at once, and print what the SMTP server says")
  .action((address: string) => closing(() => testMail(loadConfig(readEnvironment()), address)));
await program.parseAsync();

function run(work: (parts: Opened) => Promise<void>): Promise<void> {
  return closing(async () => work(await openAccounts(loadConfig(readEnvironment()), opened)));
}

async function closing(work: () => Promise<void>): Promise<void> {
  try {
    await work();
    await opened.disposeAsync();
  } catch (error) {
    fail(error as Error);
  }
}

/** Prints the message of an expected error, and the stack trace of a bug. */
function fail(error: Error): void {
  if (state.isStopping) return;
  const isCancelled = error.name === "ExitPromptError"; // Ctrl-C at the password prompt
  if (!isCancelled) printError(error);
  end(isCancelled ? 130 : 1);
}

function end(code: number): void {
  if (state.isStopping) return;
  state.isStopping = true;
  process.exitCode = code; // in case nothing keeps the process alive until then
  void opened
    .disposeAsync()
    .catch(() => undefined)
    .finally(() => process.exit(code));
}
