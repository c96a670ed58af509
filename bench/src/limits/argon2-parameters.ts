// The parameters that every server hashes with: what the account server uses (OWASP Password Storage Cheat Sheet).
import argon2 from "argon2";

export const ARGON2 = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
