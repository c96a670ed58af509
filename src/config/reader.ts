// Typed access to environment variables. Faults are collected instead of thrown, so that all of them are reported together.

export type Environment = Readonly<Record<string, string | undefined>>;

export class Reader {
  readonly faults: string[] = [];
  readonly warnings: string[] = [];
  readonly #variables: Environment;

  constructor(variables: Environment) {
    this.#variables = variables;
  }

  optional(name: string): string | null {
    const value = this.#variables[name] ?? null;
    if (value === null || !/[\u0000-\u001f\u007f]/.test(value)) return value;
    // A line break could end up in an email header or a link.
    const fault = `${name} contains a control character. Remove it.`;
    if (!this.faults.includes(fault)) this.faults.push(fault);
    return null;
  }

  /** All variables whose names begin so. */
  startingWith(prefix: string): Record<string, string> {
    const names = Object.keys(this.#variables).filter((name) => name.startsWith(prefix));
    return Object.fromEntries(names.map((name) => [name, this.text(name, "")]));
  }

  text(name: string, fallback: string): string {
    return this.optional(name) ?? fallback;
  }

  integer(name: string, fallback: number, min: number, max: number): number {
    const value = this.optional(name);
    if (value === null) return fallback;
    const number = /^\d+$/.test(value) ? Number(value) : NaN;
    if (number >= min && number <= max) return number;
    this.faults.push(
      `${name} is "${value}". Set it to a whole number from ${min} to ${max}, such as ${fallback}.`,
    );
    return fallback;
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.optional(name);
    if (value === null) return fallback;
    if (/^(true|1|yes|on)$/i.test(value)) return true;
    if (/^(false|0|no|off)$/i.test(value)) return false;
    this.faults.push(`${name} is "${value}". Set it to true or false.`);
    return fallback;
  }

  oneOf<T extends string>(name: string, values: readonly T[], fallback: T): T {
    const value = this.optional(name) ?? fallback;
    const known = values.find((candidate) => candidate === value);
    if (known !== undefined) return known;
    this.faults.push(`${name} is "${value}". Set it to one of ${values.join(", ")}.`);
    return fallback;
  }
}

/** An empty variable counts as unset. */
export function withoutEmpty(environment: Environment): Environment {
  return Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ""),
  );
}
