import { formatSize } from '../text/size.js';
import { DAY_MS } from '../text/span.js';

/** What a state directory keeps and for how long. Times are milliseconds since 1970, ages days, sizes bytes. */
export type KeptKind =
  | 'logs'
  | 'roots'
  | 'evaluation'
  | 'closure'
  | 'advisories'
  | 'report'
  | 'times'
  | 'mirror'
  | 'ref'
  | 'process-log'
  | 'user'
  | 'leftover';

export interface KeptRun {
  /** By the server; `unknown` when it was not asked, or is not the one that the run is on. */
  readonly state: 'open' | 'over' | 'unknown';
  /** A build of it still has its supervisor. */
  readonly supervised: boolean;
  /** forgetRun has not run here yet, which is the first thing that happens when a run ends. */
  readonly held: boolean;
}

export interface Kept {
  readonly kind: KeptKind;
  readonly path: string;
  readonly bytes: number;
  readonly usedAt: number;
  /** For `logs` and `roots`. */
  readonly run?: KeptRun;
  /** For `ref`: the newest use of its mirror. */
  readonly mirrorUsedAt?: number;
  /** It serves nothing any more: a derivation that the store has lost, the record of a dead process. */
  readonly useless?: boolean;
}

export interface Circumstances {
  readonly now: number;
  /** When the oldest run began that is or may be open; `null` when none is. */
  readonly openSince: number | null;
  /** Whether the server told which runs are open. */
  readonly asked: boolean;
}

export interface Limits {
  readonly days: Readonly<
    Record<'logs' | 'evaluation' | 'closure' | 'advisories' | 'report' | 'times' | 'mirror' | 'ref', number>
  >;
  /** Of the logs and records of all runs together. */
  readonly logBytes: number;
  /** Of one log of the worker or the server. */
  readonly processLogBytes: number;
}

/** Logs live as long as the reports that name them, unless they grow too large. */
export const DEFAULT_LIMITS: Limits = {
  days: { logs: 365, evaluation: 30, closure: 90, advisories: 30, report: 365, times: 365, mirror: 90, ref: 30 },
  logBytes: 2 * 1024 ** 3,
  processLogBytes: 10 * 1024 ** 2,
};

/** Nothing younger is removed for its age or its run: clocks differ, and lists of runs lag. */
export const LEAST_DAYS = 1;
/** A run may wait a year for its approval: older runs are treated as closed even if the server cannot be asked. */
const LONGEST_RUN_DAYS = 400;

export interface Removal {
  readonly item: Kept;
  readonly why: string;
}

/** What is to be removed, and why; oldest first within a kind. */
export function toRemove(found: readonly Kept[], limits: Limits, circumstances: Circumstances): readonly Removal[] {
  const removals = found
    .toSorted((one, other) => one.usedAt - other.usedAt)
    .flatMap((item) => {
      const why = reason(item, limits, circumstances);
      return why === null ? [] : [{ item, why }];
    });
  return [...removals, ...overSize(found, removals, limits, circumstances)];
}

/** Why one thing goes, whatever else there is; `null` when it stays. */
function reason(item: Kept, limits: Limits, circumstances: Circumstances): string | null {
  const age = days(item, circumstances);
  switch (item.kind) {
    case 'process-log':
      return item.bytes > limits.processLogBytes ? `larger than ${formatSize(limits.processLogBytes)}` : null;
    case 'user':
      return item.useless === true ? 'its process has ended' : null;
    case 'leftover':
      return item.useless === true || age > LEAST_DAYS ? 'left by a process that was killed' : null;
    case 'evaluation':
      return item.useless === true ? 'the store has lost its derivation' : tooOld(age, limits.days.evaluation);
    case 'roots':
      return age > LEAST_DAYS && !maybeOpen(item, age) ? 'its run is over' : null;
    case 'logs':
      return maybeOpen(item, age) ? null : tooOld(age, limits.days.logs);
    case 'mirror':
      return usedByOpenRun(item.usedAt, circumstances) ? null : tooOld(age, limits.days.mirror);
    case 'ref': {
      const mirrorUsedAt = item.mirrorUsedAt ?? circumstances.now;
      // A run that nobody told us of may have used the mirror lately.
      const used = circumstances.asked
        ? usedByOpenRun(mirrorUsedAt, circumstances)
        : circumstances.now - mirrorUsedAt <= limits.days.ref * DAY_MS;
      return used ? null : tooOld(age, limits.days.ref);
    }
    case 'closure':
    case 'advisories':
    case 'report':
    case 'times':
      return tooOld(age, limits.days[item.kind]);
  }
}

const days = (item: Kept, { now }: Circumstances): number => (now - item.usedAt) / DAY_MS;

const tooOld = (age: number, limit: number): string | null =>
  age > Math.max(limit, LEAST_DAYS) ? `not used for ${Math.floor(age)} days (limit ${limit})` : null;

/** Whether something of a run is to be left alone because the run is open, or nobody knows that it is not. */
export function maybeOpen({ run }: Kept, age: number): boolean {
  if (run === undefined || run.state === 'over') return run?.supervised === true;
  if (run.state === 'open' || run.supervised) return true;
  return run.held && age <= LONGEST_RUN_DAYS;
}

/** Every run uses its mirror when it begins, so that one that was last used before the oldest open run serves none. */
const usedByOpenRun = (usedAt: number, { openSince }: Circumstances): boolean =>
  openSince !== null && usedAt >= openSince - LEAST_DAYS * DAY_MS;

/** The oldest logs, as many as it takes to get below the limit of all together. */
function overSize(
  found: readonly Kept[],
  removals: readonly Removal[],
  limits: Limits,
  circumstances: Circumstances,
): readonly Removal[] {
  const gone = new Set(removals.map(({ item }) => item));
  const left = found.filter((item) => item.kind === 'logs' && !gone.has(item));
  let total = left.reduce((sum, { bytes }) => sum + bytes, 0);
  const more: Removal[] = [];
  for (const item of left.toSorted((one, other) => one.usedAt - other.usedAt)) {
    if (total <= limits.logBytes) break;
    const age = days(item, circumstances);
    if (maybeOpen(item, age) || age <= LEAST_DAYS) continue;
    total -= item.bytes;
    more.push({ item, why: `logs take more than ${formatSize(limits.logBytes)} together, and these are the oldest` });
  }
  return more;
}
