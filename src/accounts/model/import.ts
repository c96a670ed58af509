// What an import takes, and what becomes of it.

/** An account of another system, as it came. */
export interface ImportRecord {
  /** Where it came from, for people: "line 3". */
  readonly place: string;
  /** Hopefully an object of the FIELDS below. */
  readonly value: unknown;
}

/** What became of one batch. */
export interface ImportedBatch {
  readonly imported: number;
  /** Accounts of the same username and address that are here already. */
  readonly existing: number;
  readonly refused: readonly { readonly place: string; readonly reason: string }[];
}
