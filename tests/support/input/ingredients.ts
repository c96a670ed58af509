// Turns recipes into what is sent. A recipe is short to read when a test fails, and says what to take of the tokens, names and cursors
// that the server under test has made by then.

/** In recipes, where the mark goes by which an input is recognized wherever it turns up. */
export const MARK = "¤";

/** What the server makes and an attacker can come to know. */
export type Kind =
  | "username"
  | "email"
  | "password"
  | "id"
  | "session"
  | "cursor"
  | "access"
  | "refresh"
  | "device"
  | "registration"
  | "reset"
  | "email-change"
  | "email-undo"
  | "challenge";

/** A value, or how to make it: an object with one key that begins with `@`. */
export type Recipe =
  | null
  | boolean
  | number
  | string
  | readonly Recipe[]
  | { readonly "@json": string }
  | { readonly "@known": Kind; readonly n: number; readonly as: keyof typeof CHANGES }
  | { readonly "@long": string; readonly times: number }
  | { readonly "@base64": Recipe }
  | { readonly "@enum": string }
  | { readonly "@latin1": string }
  | { readonly "@joined": readonly Recipe[] }
  | { readonly "@deep": "[" | "{"; readonly levels: number }
  | { readonly [name: string]: Recipe };

/** JSON that JSON.stringify does not make, such as 1e999 or a key twice. */
export class Json {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A value of an enum, which documents have without quotation marks. */
class EnumValue {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** What becomes of something known: as it is, or damaged in some way. */
export const CHANGES = {
  "as it is": (text: string) => text,
  "cut off": (text: string) => text.slice(0, -1),
  halved: (text: string) => text.slice(0, text.length >> 1),
  "with a changed letter": (text: string) =>
    text.replace(/[A-Za-z](?=[^A-Za-z]*$)/, (letter) => (letter === "A" ? "B" : "A")),
  "with a changed beginning": (text: string) => text.replace(/^./, (letter) => (letter === "e" ? "f" : "e")),
  "in upper case": (text: string) => text.toUpperCase(),
  "in lower case": (text: string) => text.toLowerCase(),
  "with spaces": (text: string) => ` ${text} `,
  twice: (text: string) => text + text,
  "with NUL": (text: string) => `${text}\0`,
  "with a line": (text: string) => `${text}\r\n`,
  "with a dot": (text: string) => `${text}.`,
  "without its signature": (text: string) => text.replace(/[^.]*$/, ""),
  reversed: (text: string) => Array.from(text).reverse().join(""),
};

/** How many of each kind are remembered. */
const NEWEST = 20;

/** Turns recipes into what is sent. */
export class Ingredients {
  /** Begins each mark; no word of the server. */
  readonly prefix = `qz${Math.random().toString(36).slice(2, 7)}`;
  readonly #kept = new Map<Kind, readonly string[]>();
  readonly #learned = new Map<Kind, readonly string[]>();
  #marks = 0;

  /** Something that is there from the beginning, and stays. */
  keep(kind: Kind, ...values: string[]): void {
    this.#kept.set(kind, [...(this.#kept.get(kind) ?? []), ...values]);
  }

  /** Something that the server has made; of each kind, the newest are kept. */
  learn(kind: Kind, value: string): void {
    const learned = this.#learned.get(kind) ?? [];
    if (learned.includes(value)) return;
    this.#learned.set(kind, [value, ...learned].slice(0, NEWEST));
  }

  /** Something of this kind; undefined as long as there is none. */
  known(kind: Kind, n: number): string | undefined {
    const all = [...(this.#kept.get(kind) ?? []), ...(this.#learned.get(kind) ?? [])];
    return all[n % all.length];
  }

  /** A text that no other input has. */
  mark(): string {
    this.#marks += 1;
    return this.prefix + this.#marks.toString(36);
  }

  text(recipe: string): string {
    return recipe.replaceAll(MARK, () => this.mark());
  }

  /** What JSON.stringify takes, and instances of Json. */
  make(recipe: Recipe): unknown {
    if (typeof recipe === "string") return this.text(recipe);
    if (recipe === null || typeof recipe !== "object") return recipe;
    if (Array.isArray(recipe)) return recipe.map((each: Recipe) => this.make(each));
    const made = recipe as Record<string, Recipe>;
    if ("@json" in made) return new Json(this.text(made["@json"] as string));
    if ("@known" in made) {
      const value = this.known(made["@known"] as Kind, made["n"] as number) ?? this.mark();
      return CHANGES[made["as"] as keyof typeof CHANGES](value);
    }
    if ("@long" in made) return this.text(made["@long"] as string).repeat(made["times"] as number);
    if ("@base64" in made) {
      const content = this.make(made["@base64"]);
      return Buffer.from(typeof content === "string" ? content : toJson(content)).toString("base64");
    }
    if ("@enum" in made) return new EnumValue(made["@enum"] as string);
    if ("@joined" in made) return (made["@joined"] as Recipe[]).map((each) => this.makeText(each)).join("");
    if ("@deep" in made) {
      const levels = made["levels"] as number;
      return made["@deep"] === "["
        ? new Json("[".repeat(levels) + "]".repeat(levels))
        : new Json('{"a":'.repeat(levels) + "1" + "}".repeat(levels));
    }
    return Object.fromEntries(
      Object.entries(made).map(([name, each]) => [this.text(name), this.make(each)] as const),
    );
  }

  /** As text, where only text can be sent, such as in a header. */
  makeText(recipe: Recipe): string {
    const made = this.make(recipe);
    return typeof made === "string" ? made : toJson(made);
  }
}

export function toJson(value: unknown): string {
  if (value instanceof Json) return value.text;
  if (value instanceof EnumValue) return JSON.stringify(value.name);
  if (Array.isArray(value)) return `[${value.map(toJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}:${toJson(each)}`);
  return `{${entries.join(",")}}`;
}

/** The value as it is written into a GraphQL document. */
export function toLiteral(value: unknown): string {
  if (value instanceof Json) return value.text;
  if (value instanceof EnumValue) return value.name;
  if (Array.isArray(value)) return `[${value.map(toLiteral).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, each]) => `${name}: ${toLiteral(each)}`)
    .join(", ")}}`;
}
