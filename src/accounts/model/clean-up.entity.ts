// When expired rows were last removed (administration/clean-up.ts): one row, or none if they never were.
import { defineEntity, p } from "@mikro-orm/core";

/** The key of the row. */
export const LAST_CLEAN_UP = 1;

export const CleanUpSchema = defineEntity({
  name: "CleanUp",
  tableName: "clean_ups",
  properties: {
    id: p.smallint().primary().autoincrement(false),
    ranAt: p.datetime(3),
  },
});

export class CleanUp extends CleanUpSchema.class {}

CleanUpSchema.setClass(CleanUp);
