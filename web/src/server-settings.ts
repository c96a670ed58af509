// Settings that the server passes to the client in a meta element of the page (src/http/web-client.ts).

export interface ServerSettings {
  readonly appName: string;
  /** In characters. */
  readonly passwordMinLength: number;
  readonly hasGraphiQL: boolean;
  readonly hasMailbox: boolean;
}

const DEFAULTS: ServerSettings = {
  appName: "Account Server",
  passwordMinLength: 8,
  hasGraphiQL: false,
  hasMailbox: false,
};

const meta = document.querySelector<HTMLMetaElement>('meta[name="server-settings"]');
export const serverSettings: ServerSettings = {
  ...DEFAULTS,
  ...(JSON.parse(meta?.content ?? "{}") as Partial<ServerSettings>),
};
