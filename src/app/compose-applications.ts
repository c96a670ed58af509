// The applications of a configuration: what one of them leaves open is as in the settings of the server.
import { Applications, type Application } from "../accounts/mails/applications.ts";
import { Links } from "../accounts/mails/links.ts";
import type { ApplicationSettings } from "../config/applications.ts";
import type { Config } from "../config/config.ts";

/** @param serverUrl of this server, whose pages links lead to by default; known only once it listens */
export function composeApplications(config: Config, serverUrl: () => string): Applications {
  const applicationOf = (own: Partial<ApplicationSettings>): Application => ({
    appName: own.appName ?? config.appName,
    links: new Links(() => ({
      confirmation: own.confirmationUri ?? config.confirmationUri ?? `${serverUrl()}/#/finalize`,
      reset: own.resetUri ?? config.resetUri ?? `${serverUrl()}/#/reset`,
      emailChange: own.emailChangeUri ?? config.emailChangeUri ?? `${serverUrl()}/#/change-email`,
      emailUndo:
        own.emailUndoUri ?? own.emailChangeUri ?? config.emailUndoUri ?? `${serverUrl()}/#/undo-email-change`,
    })),
  });
  const named = [...config.applications].map(([name, own]) => [name, applicationOf(own)] as const);
  return new Applications(applicationOf({}), new Map(named));
}
