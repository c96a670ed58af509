// Times and names in words.

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });

export const timeInWords = (isoTime: string) => TIME.format(new Date(isoTime));
export const dateInWords = (isoTime: string) => DATE.format(new Date(isoTime));

/** `PASSWORD_CHANGED` -> `Password changed`. */
export function enumInWords(value: string): string {
  const words = value.toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
