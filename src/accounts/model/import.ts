// What an import takes, and what becomes of it.

/** An account of another system, not checked yet. */
export interface ImportRecord {
  /** Where it came from, for the operator, such as "line 3". */
  readonly place: string;
  /** Should be an object with the fields that importUsers knows. */
  readonly value: unknown;
}

/** The result of one batch. */
export interface ImportedBatch {
  readonly imported: number;
  /** Accounts that already exist with the same username and email address. */
  readonly existing: number;
  readonly refused: readonly { readonly place: string; readonly reason: string }[];
}
