// How much each kind of run measures.

export interface Plan {
  readonly accounts: readonly number[];
  readonly hasPeers: boolean;
  readonly rounds: number;
  /** The same where a difference of 3 % has to show. */
  readonly roundsOfLimits: number;
  /** The duration of each round under load. */
  readonly seconds: number;
  readonly mixedSeconds: number;
  /** The number of sequential operations in a round. */
  readonly oneByOne: number;
  /** The number of emails in the queue before the SMTP server accepts any. */
  readonly mails: number;
}

export const FULL: Plan = {
  accounts: [1_000, 100_000, 2_000_000],
  hasPeers: true,
  rounds: 3,
  roundsOfLimits: 24,
  seconds: 3,
  mixedSeconds: 60,
  oneByOne: 50,
  mails: 5_000,
};

export const QUICK: Plan = {
  ...FULL,
  accounts: [1_000],
  rounds: 2,
  roundsOfLimits: 12,
  seconds: 2,
  mixedSeconds: 5,
  oneByOne: 20,
  mails: 1_000,
};

/** Measures every figure that needs no alternative, as briefly as possible. */
export const SMOKE: Plan = {
  accounts: [100, 200],
  hasPeers: false,
  rounds: 1,
  roundsOfLimits: 1,
  seconds: 1,
  mixedSeconds: 2,
  oneByOne: 5,
  mails: 50,
};
