// Times and durations in the words of a language.

export interface InWords {
  /** @param isoTime in UTC */
  date(isoTime: string): string;
  /** @param isoTime in UTC, and so is the result */
  time(isoTime: string): string;
  duration(minutes: number): string;
}

/**
 * Keep the result: making the formats takes longer than everything else in a mail.
 * @param locale BCP 47
 */
export function inWords(locale: string): InWords {
  const dateFormat = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeZone: "UTC" });
  const timeFormat = new Intl.DateTimeFormat(locale, {
    dateStyle: "long",
    timeStyle: "short",
    hourCycle: "h23",
    timeZone: "UTC",
  });
  const durationFormat = new Intl.DurationFormat(locale, { style: "long" });
  return {
    date: (isoTime) => dateFormat.format(new Date(isoTime)),
    time: (isoTime) => `${timeFormat.format(new Date(isoTime))} UTC`,
    duration: (minutes) => durationFormat.format(largestUnits(minutes)),
  };
}

function largestUnits(minutes: number) {
  const hours = minutes / 60;
  if (hours >= 48 && hours % 24 === 0) return { days: hours / 24 };
  if (hours > 10) return { hours: Math.floor(hours) }; // nobody counts the minutes
  return hours % 1 === 0 ? { hours } : { minutes };
}
