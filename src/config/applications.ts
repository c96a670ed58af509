// APPLICATIONS: the applications of the product that have settings of their own, such as a native app or a staging site. What a
// fault says names the application and the setting.
import { isLoopbackHost } from "../database/database-url.ts";

/** Null is as in the settings of the server. */
export interface ApplicationSettings {
  /** The exact origins whose pages may call /graphql. */
  readonly origins: readonly string[];
  /** Unlike the server's own, the links may have the scheme of a native app. */
  readonly confirmationUri: string | null;
  readonly resetUri: string | null;
  readonly emailChangeUri: string | null;
  readonly emailUndoUri: string | null;
  readonly appName: string | null;
}

const EXAMPLE =
  '{"mobile": {"appName": "Example Mobile", "confirmationUri": "com.example.app:/confirm?token={token}"}}';
const LINKS = ["confirmationUri", "resetUri", "emailChangeUri", "emailUndoUri"] as const;
const SETTINGS = ["origins", ...LINKS, "appName"];
const NAME = /^[a-z][a-z0-9-]{0,31}$/;
/** What a browser or a mail program opens by itself, or runs. */
const SCHEMES_OF_NO_APPLICATION =
  /^(javascript|vbscript|data|blob|file|filesystem|about|view-source|jar|intent|ftp|wss?|mailto|tel|sms|chrome|resource):$/;

/** @param faults receives everything that is wrong */
export function readApplications(
  value: string | null,
  isProduction: boolean,
  faults: string[],
): ReadonlyMap<string, ApplicationSettings> {
  if (value === null) return new Map();
  const parsed = parseObject(value);
  if (parsed === null) {
    faults.push(`APPLICATIONS is no JSON object. Set it to one, such as ${EXAMPLE}.`);
    return new Map();
  }
  return new Map(
    Object.entries(parsed).map(([name, settings]) => [
      name,
      readApplication(name, settings, isProduction, (fault) => faults.push(fault)),
    ]),
  );
}

function readApplication(
  name: string,
  settings: unknown,
  isProduction: boolean,
  report: (fault: string) => void,
): ApplicationSettings {
  const where = `APPLICATIONS.${name}`;
  if (!NAME.test(name))
    report(
      `APPLICATIONS has the name "${name}". Use lower-case letters, digits and -, at most 32, with a letter first.`,
    );
  const given = isObject(settings) ? settings : {};
  if (!isObject(settings))
    report(`${where} is ${JSON.stringify(settings)}. Set it to a JSON object, as in ${EXAMPLE}.`);
  for (const setting of Object.keys(given))
    if (!SETTINGS.includes(setting))
      report(`${where} has the setting "${setting}". Use only ${SETTINGS.join(", ")}.`);

  const readText = (setting: string): string | null => {
    const value = given[setting] ?? null;
    // A line break could end up in an email header or a link.
    if (value === null || (typeof value === "string" && /^[^\u0000-\u001f\u007f]+$/.test(value)))
      return value;
    report(`${where}.${setting} is ${JSON.stringify(value)}. Set it to text on one line, or remove it.`);
    return null;
  };
  const readLink = (setting: string): string | null => {
    const value = readText(setting);
    if (value !== null && !isLinkTarget(value, isProduction))
      report(
        `${where}.${setting} is "${value}". Set it to an ${isProduction ? "https" : "http or https"} URL, or to one with the scheme ` +
          "of a native app, such as com.example.app:/confirm?token={token}.",
      );
    return value;
  };
  const readOrigins = (): string[] => {
    const origins = given["origins"] ?? [];
    if (!Array.isArray(origins) || !origins.every((origin) => typeof origin === "string")) {
      report(`${where}.origins is no list of texts. Set it to one such as ["https://app.example.com"].`);
      return [];
    }
    for (const origin of origins) {
      const fault = originFault(origin, isProduction);
      if (fault !== undefined) report(`${where}.origins contains "${origin}"${fault}.`);
    }
    return origins;
  };
  return {
    origins: readOrigins(),
    confirmationUri: readLink("confirmationUri"),
    resetUri: readLink("resetUri"),
    emailChangeUri: readLink("emailChangeUri"),
    emailUndoUri: readLink("emailUndoUri"),
    appName: readText("appName"),
  };
}

/** What to say after the origin; undefined if a browser sends it as it is written, and its pages may be trusted. */
export function originFault(origin: string, isProduction: boolean): string | undefined {
  const url = URL.canParse(origin) ? new URL(origin) : null;
  const isExact = url?.origin === origin && /^https?:$/.test(url.protocol) && !origin.includes("*");
  if (!isExact) return ". Set it to exact origins, such as https://app.example.com";
  if (!isProduction || url.protocol === "https:" || isLoopbackHost(url.hostname)) return undefined;
  return ", whose pages anybody on the way can change. Set it to https origins, such as https://app.example.com";
}

function isLinkTarget(value: string, isProduction: boolean): boolean {
  // A `{token}` in the host name would be no URL; anywhere else it is one.
  if (!URL.canParse(value)) return false;
  const { protocol } = new URL(value);
  if (protocol === "http:") return !isProduction;
  return !SCHEMES_OF_NO_APPLICATION.test(protocol);
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
