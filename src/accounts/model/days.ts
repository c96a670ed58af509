// Times that are counted in days.

const DAY_IN_MS = 24 * 60 * 60 * 1000;

export function daysAfter(date: Date, days: number): Date {
  return new Date(date.getTime() + days * DAY_IN_MS);
}
