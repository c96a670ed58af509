// Settings that the server passes to a page in a meta element (src/http/web-pages.ts).

export interface ServerSettings {
  readonly appName: string;
  /** In characters. */
  readonly passwordMinLength: number;
  /** The origins of front ends, whose pages may send people here and get them back. */
  readonly corsOrigins: readonly string[];
  readonly hasGraphiQL: boolean;
  readonly hasMailbox: boolean;
  /** Passed to the mailbox only. */
  readonly hasWebClient: boolean;
}

const DEFAULTS: ServerSettings = {
  appName: "Account Server",
  passwordMinLength: 8,
  corsOrigins: [],
  hasGraphiQL: false,
  hasMailbox: false,
  hasWebClient: true,
};

const meta = document.querySelector<HTMLMetaElement>('meta[name="server-settings"]');
export const serverSettings: ServerSettings = {
  ...DEFAULTS,
  ...(JSON.parse(meta?.content ?? "{}") as Partial<ServerSettings>),
};
