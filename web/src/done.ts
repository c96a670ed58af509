// What a mutation has returned. In the schema all of them are nullable, so that one that is refused hides nothing of those beside it.
import type { OperationResult } from "urql";

/** The data of a mutation that was done, none of whose root fields is null. */
export type Done<Data> = { readonly [Field in keyof Data]: NonNullable<Data[Field]> };

/** Undefined if the mutation was refused, or not answered. */
export function done<Data>({ data, error }: Pick<OperationResult<Data>, "data" | "error">) {
  return error ? undefined : (data as Done<Data> | undefined);
}
