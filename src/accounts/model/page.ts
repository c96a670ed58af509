// A page of a long list, and what is asked of it.

/** The most items that a page, or a list without pages, may have. */
export const PAGE_MAX = 100;

export interface PageArgs {
  /** At most this many, 1 to PAGE_MAX. */
  readonly first: number;
  /** The cursor of the last item seen. */
  readonly after?: string;
}

export interface Page<Item> {
  readonly edges: readonly { readonly cursor: string; readonly node: Item }[];
  readonly hasNextPage: boolean;
}
