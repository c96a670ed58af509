// The browser's storage, which it may block.

/** Browsers throw if storage is blocked. What would be kept there then lasts as long as the page. */
export function attempt<Result>(access: () => Result): Result | null {
  try {
    return access();
  } catch {
    return null;
  }
}
