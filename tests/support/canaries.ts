// Secrets that a test plants, and a search for them in bytes: as text or raw, whole or in part, in every encoding that a log, a
// table or a file might give them.
import { createHash, randomBytes } from "node:crypto";

/** As much of a secret as is searched at each end of it, so that a part of it is found as well. */
const END = 12;
const CODE_BYTES = 32;

export class Canaries {
  /** By the first four bytes; the table below tells at once which of them are there. */
  readonly #needles = new Map<number, { bytes: Buffer; what: string }[]>();
  readonly #begins = new Uint8Array(1 << 20);
  readonly #known = new Set<string>();

  get count(): number {
    return this.#known.size;
  }

  /**
   * A new password. Its ends are letters and digits, which look alike in JSON, SQL, HTML and a URL; what is between them does not.
   */
  password(what: string): string {
    return this.text(what, `${alphanumeric()} ß"'\\<&%+/=$1 ${alphanumeric()}`);
  }

  /** A secret that is a text. */
  text(what: string, value: string): string {
    if (this.#known.has(value)) return value;
    this.#known.add(value);
    this.#add(what, Buffer.from(value.slice(0, END)));
    this.#add(what, Buffer.from(value.slice(-END)));
    for (const algorithm of ["md5", "sha1", "sha256", "sha512"])
      this.#addBytes(`${algorithm} of ${what}`, createHash(algorithm).update(value).digest());
    return value;
  }

  /** A token, whose last 32 bytes are what nobody else can compute: a JWT, or one sealed by the server. */
  token(what: string, value: string): string {
    const code = value.split(".").at(-1)!;
    this.text(what, code.slice(-40));
    this.#addBytes(`bytes of ${what}`, Buffer.from(code, "base64url").subarray(-CODE_BYTES));
    return value;
  }

  /** A secret that is base64 of bytes. */
  key(what: string, value: string): string {
    this.text(what, value);
    this.#addBytes(`bytes of ${what}`, Buffer.from(value, "base64"));
    return value;
  }

  /** What is found in the bytes, each once. */
  foundIn(hay: Buffer): string[] {
    const found = new Set<string>();
    let word = 0;
    for (let index = 0; index < hay.length; index += 1) {
      word = (word << 8) | hay[index]!;
      if (this.#begins[slot(word)] === 0) continue;
      const from = index - 3;
      for (const { bytes, what } of this.#needles.get(word) ?? [])
        if (hay.compare(bytes, 0, bytes.length, from, Math.min(from + bytes.length, hay.length)) === 0)
          found.add(what);
    }
    return [...found].sort();
  }

  /** Raw bytes: both ends of them. */
  #addBytes(what: string, bytes: Buffer): void {
    this.#add(what, bytes.subarray(0, END));
    this.#add(what, bytes.subarray(-END));
  }

  #add(what: string, part: Buffer): void {
    const forms: Record<string, Buffer[]> = {
      "as it is": [part],
      reversed: [Buffer.from(part).reverse()],
      "in lower case": [Buffer.from(part.toString("latin1").toLowerCase(), "latin1")],
      "in upper case": [Buffer.from(part.toString("latin1").toUpperCase(), "latin1")],
      "in UTF-16": [Buffer.from(part.toString("latin1"), "utf16le")],
      "in hexadecimal": [hex(part), Buffer.from(hex(part).toString().toUpperCase())],
      "in base64": (["base64", "base64url"] as const).flatMap((encoding) =>
        [0, 1, 2].map((offset) => inBase64(part, offset, encoding)),
      ),
    };
    for (const [form, all] of Object.entries(forms))
      for (const bytes of all) this.#addNeedle(`${what}, ${form}`, bytes);
  }

  #addNeedle(what: string, bytes: Buffer): void {
    const word = bytes.readInt32BE(0);
    const needles = this.#needles.get(word) ?? [];
    if (needles.some((other) => other.bytes.equals(bytes))) return;
    this.#needles.set(word, [...needles, { bytes, what }]);
    this.#begins[slot(word)] = 1;
  }
}

const slot = (word: number) => Math.imul(word, 0x9e3779b1) >>> 12;

const hex = (part: Buffer) => Buffer.from(part.toString("hex"));

/** As it stands in the base64 of something longer, in which `offset` more bytes are before it, without what they share. */
function inBase64(part: Buffer, offset: number, encoding: "base64" | "base64url"): Buffer {
  const text = Buffer.concat([Buffer.alloc(offset), part]).toString(encoding);
  return Buffer.from(text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + part.length) * 8) / 6)));
}

function alphanumeric(): string {
  let text = "";
  while (text.length < END) text += randomBytes(32).toString("base64").replaceAll(/[+/=]/g, "");
  return text.slice(0, END);
}
