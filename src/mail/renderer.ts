// Renders the subject, HTML and text of an email from its templates. A variable that is missing is an error, never a blank in
// an email. The only file that imports handlebars.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { match } from "@formatjs/intl-localematcher";
import Handlebars from "handlebars";

/** An email before it is rendered: its template, recipient and variables. */
export interface MailToRender {
  readonly template: string;
  /** A BCP 47 tag. A locale without templates falls back to English. */
  readonly locale: string;
  readonly senderName: string;
  /** The name may be empty. */
  readonly to: { readonly name: string; readonly address: string };
  readonly variables: Readonly<Record<string, string>>;
}

export interface RenderedMail {
  readonly senderName: string;
  readonly to: { readonly name: string; readonly address: string };
  readonly subject: string;
  readonly html: string;
  readonly text: string;
}

type Render = (variables: Readonly<Record<string, string>>) => string;
interface Template {
  readonly subject: Render;
  readonly html: Render;
  readonly text: Render;
}

/** Used if no other locale matches. */
const FALLBACK_LOCALE = "en";
/** Limits that no browser exceeds: the number of preferred languages, and the length of a language tag (RFC 5646). */
const MAX_PREFERENCES = 10;
const TAG_MAX_LENGTH = 35;

/** The compiled templates of a folder, which has a folder for each locale and in it a folder for each email. */
export class MailRenderer {
  readonly #locales: ReadonlyMap<string, ReadonlyMap<string, Template>>;

  /**
   * Compiles every template of `folder`: a subject, an HTML and a text file for each email and locale, all in one layout.
   * @param subjects replace the subjects of the templates in every locale
   */
  constructor(folder: string, subjects: Readonly<Record<string, string>>) {
    const html = compiler(folder, "html");
    const text = compiler(folder, "text");
    const template = (locale: string, name: string): Template => {
      const own = text(`${locale}/${name}`, "subject");
      const fixed = subjects[name];
      return {
        subject: fixed === undefined ? own : () => fixed,
        html: html(`${locale}/${name}`, "html"),
        text: text(`${locale}/${name}`, "text"),
      };
    };
    const locales = subfolders(folder).filter((name) => name !== "layout");
    this.#locales = new Map(
      locales.map((locale) => [
        locale,
        new Map(subfolders(join(folder, locale)).map((name) => [name, template(locale, name)])),
      ]),
    );
  }

  /** The locales that have templates, as BCP 47 tags. */
  get locales(): string[] {
    return [...this.#locales.keys()];
  }

  /** The names of the templates of a locale. */
  templates(locale: string): string[] {
    return [...(this.#locales.get(locale)?.keys() ?? [])];
  }

  /** The best match for a list of languages in order of preference. Invalid language tags are ignored. */
  pickLocale(preferences: readonly string[]): string {
    const tags = preferences.slice(0, MAX_PREFERENCES).filter(isLanguageTag);
    return match(tags, this.locales, FALLBACK_LOCALE);
  }

  /** @throws {Error} that names the template and the missing variable */
  render(mail: MailToRender): RenderedMail {
    // A user may have a locale whose templates have since been removed.
    const locale = this.#locales.has(mail.locale) ? mail.locale : FALLBACK_LOCALE;
    const template = this.#locales.get(locale)?.get(mail.template);
    if (!template) throw new Error(`The mail template "${locale}/${mail.template}" does not exist.`);
    const variables = { ...mail.variables, locale };
    try {
      return {
        senderName: mail.senderName,
        to: mail.to,
        subject: template.subject(variables).trim(),
        html: template.html(variables),
        text: template.text(variables).trim() + "\n",
      };
    } catch (error) {
      const reason = (error as Error).message;
      throw new Error(`The mail template "${locale}/${mail.template}" cannot be rendered: ${reason}`, {
        cause: error,
      });
    }
  }
}

function subfolders(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

function isLanguageTag(text: string): boolean {
  if (text.length > TAG_MAX_LENGTH) return false;
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}

/** One Handlebars environment per format: values are escaped in HTML, but not in text and subjects. */
function compiler(folder: string, format: "html" | "text"): (name: string, part: string) => Render {
  const handlebars = Handlebars.create();
  const read = (name: string, part: string) => readFileSync(join(folder, name, `${part}.hbs`), "utf8");
  handlebars.registerPartial("layout", read("layout", format));
  return (name, part) => {
    // With `strict`, a missing variable throws. Templates are compiled once, at the start.
    const template = handlebars.compile<Readonly<Record<string, string>>>(read(name, part), {
      strict: true,
      noEscape: format === "text",
    });
    return (variables) => template(variables);
  };
}
