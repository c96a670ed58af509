// How often something was tried lately; see rules/rate-limits.ts.
import { defineEntity, p } from "@mikro-orm/core";

export const RateLimitCountSchema = defineEntity({
  name: "RateLimitCount",
  tableName: "rate_limits",
  properties: {
    /** A keyed hash of the limit and of whom it counts, so that the table holds no address and no name. */
    key: p.blob().primary(),
    count: p.integer(),
    /** Tries are refused until then; -infinity if the next one is not. */
    blockedUntil: p.datetime(),
    /** The count begins anew then. */
    resetsAt: p.datetime(),
  },
});

export class RateLimitCount extends RateLimitCountSchema.class {}

RateLimitCountSchema.setClass(RateLimitCount);
