import { oneName } from '../../model/text/one-line.js';
import type { ShownHold } from '../../model/progress/progress.js';
import type { Report } from '../../model/report/data.js';
import { targetLabel } from '../../model/targets/index.js';
import { finishedVerdicts, pendingWork, verificationsOf } from '../server/activities.js';
import { attemptsOf, attemptsUnderWay } from './attempt-logs.js';
import type { Session } from '../server/connection.js';
import { CommandError } from '../errors.js';
import type { LogPlace } from './logs.js';
import { takeSnapshot } from './snapshot.js';

/** A log that says why an input is held back. */
export interface FailureLog {
  readonly input: string;
  readonly target: string;
  /** Revision that the input does not move to. */
  readonly newRevision: string | null;
  readonly place: LogPlace;
}

export interface LogPlaces {
  readonly closed: boolean;
  /** Every target; `null` for one that has no log (yet). */
  readonly targets: ReadonlyMap<string, LogPlace | null>;
  /** Names of the targets that are broken as the run ended, or as it stands. */
  readonly broken: readonly string[];
  readonly failures: readonly FailureLog[];
}

const failuresOf = (heldBack: readonly ShownHold[]): readonly FailureLog[] =>
  heldBack.flatMap(({ input, newRevision = null, failures = [] }) =>
    failures.flatMap(({ target, logPath, machine }) =>
      logPath === null ? [] : [{ input, target, newRevision, place: { logPath, machine } }],
    ),
  );

/** Of a run that is over. */
export function placesIn(report: Report, attempt: number | null): LogPlaces {
  if (attempt !== null) return { closed: true, targets: attemptsOf(report, attempt), broken: [], failures: [] };
  const targets = report.targets.map(({ name, logPath, machine }) => {
    return [name, logPath === null ? null : { logPath, machine }] as const;
  });
  const broken = report.targets.filter(({ verdict }) => verdict !== 'built').map(({ name }) => name);
  return { closed: true, targets: new Map(targets), broken, failures: failuresOf(report.heldBack) };
}

/** Of an open run; `null` when it is over. Of a target that was verified more than once, the last build counts. */
export async function placesUnderWay(session: Session, run: string, attempt: number | null): Promise<LogPlaces | null> {
  const { status, view, progress } = await takeSnapshot(session, run, null);
  if (status !== 'RUNNING') return null;
  if (attempt !== null) {
    return { closed: false, targets: await attemptsUnderWay(session, run, attempt), broken: [], failures: [] };
  }
  const targets = new Map<string, LogPlace | null>(view.targets.map(({ name }) => [name, null]));
  for (const child of await verificationsOf(session, run)) {
    for (const { target, logPath, machine } of await finishedVerdicts(session, child)) {
      if (logPath !== null) targets.set(targetLabel(target), { logPath, machine });
    }
    for (const [name, work] of await pendingWork(session, child)) {
      // A build that has only been taken on has no log: its file is not there yet.
      if (work.step !== 'build' || work.heartbeat === null || work.heartbeat.logBytes === 0) continue;
      targets.set(name, { logPath: work.heartbeat.logPath, machine: work.heartbeat.machine });
    }
  }
  const broken = view.targets.filter(({ verdict }) => verdict !== null && verdict !== 'built').map(({ name }) => name);
  return { closed: false, targets, broken, failures: failuresOf(progress?.heldBack ?? []) };
}

export interface WantedLog {
  /** `null`: the only target that comes into question. */
  readonly target: string | null;
  /** The log of an agent's attempt in place of the build's. */
  readonly attempt: number | null;
  /** The log of what breaks with this input, which is held back. */
  readonly input: string | null;
  /** The log of the last candidate, although another one broke. */
  readonly final: boolean;
}

/** A log, and what it is of when that needs a word. */
export interface ChosenLog {
  readonly place: LogPlace;
  readonly failure: FailureLog | null;
}

/**
 * The log that is meant; where a target broke and something was held back for it, that of the failure.
 * @param waits whether the log may still come; then `null` says that it has not
 */
export function chooseLog(places: LogPlaces, run: string, wanted: WantedLog, waits: boolean): ChosenLog | null {
  if (wanted.input !== null) return withInput(places, run, wanted.input, wanted.target);
  // What grows is followed.
  const failure = wanted.final || (waits && !places.closed) ? null : failureOf(places, wanted.target);
  if (failure !== null) return { place: failure.place, failure };
  const place = ownLog(places, run, wanted, waits);
  return place === null ? null : { place, failure: null };
}

/** What an input that is held back breaks: the target that is named, or the first one. */
function withInput(places: LogPlaces, run: string, input: string, target: string | null): ChosenLog {
  const own = places.failures.filter((failure) => failure.input === input);
  const failure = target === null ? own[0] : own.find((each) => each.target === target);
  if (failure !== undefined) return { place: failure.place, failure };
  const known = places.failures.map((each) => `${each.target} with ${each.input}`);
  throw new CommandError(
    `The run ${run} has no log of ${target === null ? 'anything' : `"${target}"`} that breaks with "${input}": ` +
      (known.length === 0 ? 'it holds back no input that breaks a target.' : `it has ${someOf(known)}.`),
  );
}

/** Why something is held back for a target that is not broken itself; without a name, where one input is to blame for all. */
function failureOf({ failures, broken }: LogPlaces, target: string | null): FailureLog | null {
  if (target !== null)
    return broken.includes(target) ? null : (failures.find((each) => each.target === target) ?? null);
  const [first] = failures;
  const oneInput = broken.length === 0 && failures.every(({ input }) => input === first?.input);
  return oneInput ? (first ?? null) : null;
}

function ownLog(places: LogPlaces, run: string, { target, attempt }: WantedLog, waits: boolean): LogPlace | null {
  const what = attempt === null ? 'build log' : `log of an attempt ${attempt}`;
  const names = [...places.targets.keys()];
  if (target !== null) {
    const place = places.targets.get(target);
    if (place !== undefined && place !== null) return place;
    if (place === undefined && (places.closed || names.length > 0)) {
      throw new CommandError(`The run ${run} has no target "${target}": it has ${someOf(names)}.`);
    }
    if (waits && !places.closed) return null;
    throw new CommandError(`The target "${target}" of ${run} has no ${what}${places.closed ? '' : ' yet'}.`);
  }
  const logged = names.filter((name) => places.targets.get(name) != null);
  const broken = places.closed ? places.broken.filter((name) => logged.includes(name)) : [];
  const [only] = broken.length === 1 ? broken : logged;
  if (only !== undefined && (broken.length === 1 || logged.length === 1)) return places.targets.get(only) ?? null;
  if (logged.length > 1) throw new CommandError(`The run ${run} has several logs: name a target of ${someOf(logged)}.`);
  if (waits && !places.closed) return null;
  throw new CommandError(`The run ${run} has no ${what}${places.closed ? '' : ' yet'}.`);
}

const someOf = (names: readonly string[]): string =>
  names.length === 0
    ? 'none'
    : names.slice(0, 12).map(oneName).join(', ') + (names.length > 12 ? ` and ${names.length - 12} more` : '');
