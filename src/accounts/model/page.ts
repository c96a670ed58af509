// A page of a long list, and what is asked of it.

export interface PageArgs {
  /** At most this many, 1 to 100. */
  readonly first: number;
  /** The cursor of the last item seen. */
  readonly after?: string;
}

export interface Page<Item> {
  readonly edges: readonly { readonly cursor: string; readonly node: Item }[];
  readonly hasNextPage: boolean;
}
