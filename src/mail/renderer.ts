// Templates -> subject, html and text. The only home of handlebars. A variable that a template uses and nobody
// gives is an error, never a blank in a mail.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { match } from "@formatjs/intl-localematcher";
import Handlebars from "handlebars";

/** A mail before it is rendered: which template, for whom, with what. */
export interface MailToRender {
  readonly template: string;
  /** BCP 47; one of the renderer's. */
  readonly locale: string;
  readonly to: { readonly name: string; readonly address: string };
  readonly variables: Readonly<Record<string, string>>;
}

export interface RenderedMail {
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

/** Spoken where nothing better is known. */
const FALLBACK_LOCALE = "en";
/** More preferences than a browser sends, and longer than any language tag in use (RFC 5646). */
const MAX_PREFERENCES = 10;
const TAG_MAX_LENGTH = 35;

/** The compiled templates of a folder: a folder a locale, in it a folder a mail. */
export class MailRenderer {
  readonly #locales: ReadonlyMap<string, ReadonlyMap<string, Template>>;

  /**
   * Compiles every template of `folder`: one subject, one html and one text file a mail and locale, in one layout.
   * @param subjects that stand in place of the templates' own, in every locale
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

  /** The locales that mails are written in, as BCP 47 tags. */
  get locales(): string[] {
    return [...this.#locales.keys()];
  }

  /** The names of the mails written in a locale. */
  templates(locale: string): string[] {
    return [...(this.#locales.get(locale)?.keys() ?? [])];
  }

  /** The locale that suits best, of those preferred in this order; what is no language tag is passed over. */
  pickLocale(preferences: readonly string[]): string {
    const tags = preferences.slice(0, MAX_PREFERENCES).filter(isLanguageTag);
    return match(tags, this.locales, FALLBACK_LOCALE);
  }

  /** @throws {Error} naming the template and the missing variable */
  render(mail: MailToRender): RenderedMail {
    // A locale that is no longer there is one of a user from before.
    const locale = this.#locales.has(mail.locale) ? mail.locale : FALLBACK_LOCALE;
    const template = this.#locales.get(locale)?.get(mail.template);
    if (!template) throw new Error(`There is no mail template "${locale}/${mail.template}".`);
    const variables = { ...mail.variables, locale };
    try {
      return {
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

/** An environment a format: html is escaped, text (subjects included) is taken as it is. */
function compiler(folder: string, format: "html" | "text"): (name: string, part: string) => Render {
  const handlebars = Handlebars.create();
  const read = (name: string, part: string) => readFileSync(join(folder, name, `${part}.hbs`), "utf8");
  handlebars.registerPartial("layout", read("layout", format));
  return (name, part) => {
    // `strict`: a missing variable throws. Compiled once, at start.
    const template = handlebars.compile<Readonly<Record<string, string>>>(read(name, part), {
      strict: true,
      noEscape: format === "text",
    });
    return (variables) => template(variables);
  };
}
