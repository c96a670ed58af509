// Templates -> subject, html and text. The only home of handlebars. A variable that a template uses and nobody
// gives is an error, never a blank in a mail.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import Handlebars from "handlebars";

/** A mail before it is rendered: which template, for whom, with what. */
export interface MailToRender {
  readonly template: string;
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

/** The compiled templates of a folder. */
export class MailRenderer {
  readonly #templates: ReadonlyMap<string, Template>;

  /**
   * Compiles every template of `folder`: one subject, one html and one text file a mail, in one layout.
   * @param subjects that stand in place of the templates' own
   */
  constructor(folder: string, subjects: Readonly<Record<string, string>>) {
    const html = compiler(folder, "html");
    const text = compiler(folder, "text");
    const names = readdirSync(folder, { withFileTypes: true }).filter(
      (entry) => entry.isDirectory() && entry.name !== "layout",
    );
    this.#templates = new Map(
      names.map(({ name }) => {
        const own = text(name, "subject");
        const fixed = subjects[name];
        return [
          name,
          {
            subject: fixed === undefined ? own : () => fixed,
            html: html(name, "html"),
            text: text(name, "text"),
          },
        ];
      }),
    );
  }

  /** Names of the templates found. */
  get names(): string[] {
    return [...this.#templates.keys()];
  }

  /** @throws {Error} naming the template and the missing variable */
  render(mail: MailToRender): RenderedMail {
    const template = this.#templates.get(mail.template);
    if (!template)
      throw new Error(`There is no mail template "${mail.template}": found ${this.names.join(", ")}.`);
    const { variables } = mail;
    try {
      return {
        to: mail.to,
        subject: template.subject(variables).trim(),
        html: template.html(variables),
        text: template.text(variables).trim() + "\n",
      };
    } catch (error) {
      throw new Error(
        `The mail template "${mail.template}" cannot be rendered: ${(error as Error).message}`,
        { cause: error },
      );
    }
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
