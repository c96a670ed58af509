// The alternatives that people would use instead of the account server.
import type { Contender } from "../contender.ts";
import { betterAuth } from "./better-auth/contender.ts";
import { vendure } from "./vendure/contender.ts";

export const PEERS: readonly Contender[] = [betterAuth, vendure];
