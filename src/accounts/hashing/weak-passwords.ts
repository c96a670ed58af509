// Which passwords attackers try first: common ones, runs, repeats, dates, and the names of the product and its user, each also
// with what people add when a form asks for digits and signs.
import { dictionary } from "@zxcvbn-ts/language-common";

import { MORE_COMMON_PASSWORDS } from "./more-common-passwords.ts";

/** Most frequent first. It has no runs, repeats and dates, for zxcvbn finds those by rules, as this file does. */
const FROM_LEAKS: readonly string[] = dictionary["passwords-common"];
const COMMON: ReadonlySet<string> = new Set([...FROM_LEAKS, ...MORE_COMMON_PASSWORDS]);
/** These are also refused with something added or replaced: the whole list has most English words. */
const MOST_COMMON: ReadonlySet<string> = new Set(FROM_LEAKS.slice(0, 10_000));

/** Code units; a password of 128 characters is shorter, unless its normal form is longer. */
const MAX_COMPARED = 256;

const SEQUENCES = [
  "abcdefghijklmnopqrstuvwxyz",
  "0123456789",
  // Keyboards: rows (also French and German ones), then columns.
  ...["1234567890-=", "!@#$%^&*()_+", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"],
  ...["azertyuiop", "qsdfghjklm", "wxcvbn", "qwertzuiop", "yxcvbnm"],
  ...["1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm"],
  ...["!qaz", "@wsx", "#edc", "$rfv", "%tgb", "^yhn", "&ujm"],
].flatMap((sequence) => [sequence, Array.from(sequence).reverse().join("")]);
/** Shorter ones occur in any text. */
const RUN_MIN_LENGTH = 3;

/** The letter that a digit or a sign stands for. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  0: "o",
  3: "e",
  4: "a",
  5: "s",
  7: "t",
  "@": "a",
  $: "s",
};

export class WeakPasswords {
  readonly #minLength: number;
  readonly #appName: string;

  /** @param minLength of a password, in code points: what repeats a shorter text is no stronger than that */
  constructor(minLength: number, appName: string) {
    this.#minLength = minLength;
    this.#appName = appName;
  }

  /** What is wrong with a password, in words for its user; undefined if it is none that attackers try first. */
  fault(password: string, owner: { username: string; email: string }): string | undefined {
    // Only this comparison folds; passwords are hashed as they are.
    const text = password.normalize("NFKC").toLowerCase().slice(0, MAX_COMPARED);
    const guesses = [...new Set(undecorated(text))];
    const isOneOf = (names: ReadonlySet<string>) => guesses.some((guess) => names.has(lettersOf(guess)));
    if (isOneOf(namesOf(owner.username, ...partsOf(owner.email))))
      return "The password must not be the username, the email address or a part of it.";
    if (isOneOf(namesOf(this.#appName)))
      return `The password must not be the name of this product, ${this.#appName}.`;
    if (COMMON.has(text)) return "This password is too common. Choose another one.";
    if (guesses.some((guess) => MOST_COMMON.has(guess)))
      return "This password is too common, also with other digits and signs. Choose another one.";
    if (guesses.some((guess) => this.#isRepeat(guess, owner)))
      return "The password repeats a few characters or a common password. Choose another one.";
    if (guesses.some(isRuns))
      return "The password is a run of letters, digits or neighbouring keys. Choose another one.";
    if (guesses.some(isDate)) return "The password is a date. Choose another one.";
    return undefined;
  }

  #isRepeat(text: string, owner: { username: string; email: string }): boolean {
    const unit = unitOf(text);
    if (unit === undefined) return false;
    return Array.from(unit).length < this.#minLength || this.fault(unit, owner) !== undefined;
  }
}

const partsOf = (email: string) => [email, ...email.split("@"), ...email.split(/[^\p{L}\p{N}]/u)];

/** As lettersOf() leaves them. Shorter parts of an address are in many passwords. */
function namesOf(...names: string[]): ReadonlySet<string> {
  return new Set(names.map((name) => lettersOf(name.toLowerCase())).filter((name) => name.length >= 3));
}

/** So that ada.lovelace, AdaLovelace and "ada lovelace" are the same name. */
const lettersOf = (text: string) => text.replace(/[^\p{L}\p{N}]/gu, "");

/** The text as it is, and what is left of it without what people add at its ends and replace in it. */
function* undecorated(text: string): Generator<string> {
  const [, head = "", core = "", tail = ""] =
    /^([^\p{L}]*)(\p{L}(?:.*\p{L})?)([^\p{L}]*)$/su.exec(text) ?? [];
  const texts = [text, text.replace(/^[^\p{L}\p{N}]{1,2}|[^\p{L}\p{N}]{1,2}$/gu, "")];
  if (isAddition(tail)) texts.push(head + core);
  if (isAddition(head)) texts.push(core + tail);
  if (isAddition(head) && isAddition(tail)) texts.push(core);
  for (const one of texts.filter((some) => some !== "")) {
    yield one;
    yield spelledOut(one, "i");
    yield spelledOut(one, "l");
  }
}

/** @param one what 1 and ! stand for */
function spelledOut(text: string, one: "i" | "l"): string {
  return text.replace(/[1!]/g, one).replace(/[03457@$]/g, (sign) => LOOKALIKES[sign] ?? sign);
}

/** Whether these are up to three digits, a year or a run or repeat of digits, with up to two signs before and after. */
function isAddition(text: string): boolean {
  const digits = /^[^\p{L}\p{N}]{0,2}(\d*)[^\p{L}\p{N}]{0,2}$/u.exec(text)?.[1];
  if (digits === undefined) return false;
  return (
    digits.length <= 3 || /^(?:19|20)\d\d$/.test(digits) || isRuns(digits) || unitOf(digits) !== undefined
  );
}

/** Whether the text is nothing but runs, such as abcd, 4321, qwertz or aaa. */
function isRuns(text: string): boolean {
  for (let start = 0; start < text.length;) {
    const length = Math.max(
      ...SEQUENCES.map((sequence) => runLength(text, start, sequence)),
      repeatLength(text, start),
    );
    if (length < RUN_MIN_LENGTH) return false;
    start += length;
  }
  return true;
}

/** How many characters of `text` from `start` on follow each other in `sequence`. */
function runLength(text: string, start: number, sequence: string): number {
  const offset = sequence.indexOf(text.charAt(start));
  if (offset < 0) return 0;
  let length = 1;
  while (start + length < text.length && text[start + length] === sequence[offset + length]) length += 1;
  return length;
}

function repeatLength(text: string, start: number): number {
  let length = 1;
  while (text[start + length] === text[start]) length += 1;
  return length;
}

/** What the text repeats, at least twice and perhaps cut off at its end; undefined if it repeats nothing. */
function unitOf(text: string): string | undefined {
  const characters = Array.from(text);
  for (let length = 1; length * 2 <= characters.length; length += 1) {
    if (characters.every((character, index) => index < length || character === characters[index - length]))
      return characters.slice(0, length).join("");
  }
  return undefined;
}

/** Whether the text is a day of 1900 to 2099, its parts in any order, with or without separators. */
function isDate(text: string): boolean {
  const [, first, second] =
    /^(\d\d?)[-./ ]?(\d\d?)[-./ ]?(?:19|20)\d\d$/.exec(text) ??
    /^(?:19|20)\d\d[-./ ]?(\d\d?)[-./ ]?(\d\d?)$/.exec(text) ??
    [];
  const [low = 0, high = 0] = [Number(first), Number(second)].sort((a, b) => a - b);
  return low >= 1 && low <= 12 && high <= 31;
}
