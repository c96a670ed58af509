// What people would use instead.
import type { Contender } from "../contender.ts";

export const PEERS: readonly Contender[] = [];
