// What the server and the operator's command line compose alike: the accounts of a configuration.
import type { EntityManager } from "@mikro-orm/postgresql";

import { createAccounts, type Accounts } from "../accounts/accounts.ts";
import type { Dependencies } from "../accounts/dependencies.ts";
import type { BreachedPasswords } from "../accounts/hashing/breached-passwords.ts";
import type { Hashing } from "../accounts/hashing/hashing.ts";
import { Passwords } from "../accounts/hashing/passwords.ts";
import type { HashingObserver } from "../accounts/hashing/turns.ts";
import { UNDO_MINUTES } from "../accounts/mails/catalogue.ts";
import type { MailJob } from "../accounts/mails/mail-job.ts";
import { Outbox } from "../accounts/mails/outbox.ts";
import { DeviceTokens } from "../accounts/device-tokens.ts";
import { Challenges } from "../accounts/limits/challenges.ts";
import { RateLimits, type LimitsObserver } from "../accounts/limits/rate-limits.ts";
import { RefreshTokens } from "../accounts/refresh-tokens.ts";
import { AuditTrail } from "../accounts/store/audit-trail.ts";
import { Sessions } from "../accounts/store/sessions.ts";
import { Tokens } from "../accounts/tokens.ts";
import type { Config } from "../config/config.ts";
import type { Logger } from "../log.ts";
import type { MailQueue } from "../mail/queue.ts";
import type { MailRenderer } from "../mail/renderer.ts";
import { traced } from "../tracing.ts";
import { withTimeLimit } from "./time-limit.ts";

/** What is not given back by then, because the database does not respond, stays counted. */
const LIMITS_CLOSE_WITHIN_MS = 250;

export interface AccountsParts {
  readonly em: EntityManager;
  /** For what may take longer than a request. */
  readonly patientEm: EntityManager;
  /** As in accounts/dependencies.ts. */
  readonly readAnywhere: Dependencies["readAnywhere"];
  /** Whether an error means that the database cannot serve now. */
  readonly isOutage: (error: unknown) => boolean;
  readonly hashing: Hashing;
  readonly breached: BreachedPasswords;
  readonly queue: MailQueue<MailJob>;
  readonly renderer: MailRenderer;
  readonly log: Logger;
  /** The secret of which all keys are derived. */
  readonly secret: string;
  readonly tokens: Tokens;
  readonly now: () => Date;
  /** Receives what has to be closed before the database. */
  readonly opened: AsyncDisposableStack;
  readonly observers?: { readonly hashing: HashingObserver; readonly limits: LimitsObserver } | null;
}

export function composeAccounts(config: Config, parts: AccountsParts): Accounts {
  const {
    em,
    patientEm,
    readAnywhere,
    isOutage,
    hashing,
    breached,
    log,
    queue,
    renderer,
    secret,
    tokens,
    now,
  } = parts;
  const { opened, observers } = parts;
  const refreshTokens = new RefreshTokens(secret);
  const auditTrail = new AuditTrail({ now, retentionDays: config.auditRetentionDays });
  const deviceTokens = new DeviceTokens(secret);
  const rateLimits = new RateLimits({
    em,
    auditTrail,
    secret,
    maxima: config.rateLimits,
    challenge: config.challenge,
    observer: observers?.limits,
    challenges: new Challenges(secret, now),
    warn: (message, err) => {
      if (!isOutage(err)) log.warn({ err }, message);
    },
  });
  opened.defer(() => withTimeLimit(LIMITS_CLOSE_WITHIN_MS, rateLimits.close()));
  const sessions = new Sessions({
    em,
    tokens,
    refreshTokens,
    deviceTokens,
    auditTrail,
    now,
    idleDays: config.sessionIdleDays,
    maxDays: config.sessionMaxDays,
  });
  const deps: Dependencies = {
    em,
    patientEm,
    readAnywhere,
    transaction: (work) => traced("transaction", () => em.fork().transactional(work), { kind: "CLIENT" }),
    passwords: new Passwords({
      hashing,
      breached,
      log,
      minLength: config.passwordMinLength,
      appName: config.appName,
      workFactor: config.passwordHash,
      peppers: config.passwordPeppers,
      observer: observers?.hashing,
    }),
    tokens,
    refreshTokens,
    deviceTokens,
    rateLimits,
    sessions,
    auditTrail,
    outbox: new Outbox(queue, now, config.hideAccountExistence),
    mailQueue: queue,
    applications: config.applications,
    exportsUnderWay: new Set(),
    locales: renderer.locales,
    pickLocale: (preferences) => renderer.pickLocale(preferences),
    now,
    hideAccountExistence: config.hideAccountExistence,
  };
  return createAccounts(deps, isOutage);
}

/** @param secret that tokens are signed with */
export function createTokens(config: Config, secret: string, now: () => Date): Tokens {
  const minutes = {
    access: config.accessTokenMinutes,
    registration: config.registrationTokenMinutes,
    reset: config.resetTokenMinutes,
    "email-change": config.emailChangeTokenMinutes,
    "email-undo": UNDO_MINUTES,
  };
  return new Tokens(secret, minutes, now);
}
