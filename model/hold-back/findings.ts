import { oneLine } from '../text/one-line.js';
import { failureWords } from '../verify/failure-words.js';
import { FAILURES_LISTED, type HeldBackFailure, type HeldBackInput, type NotHeldBack } from '../report/data.js';
import { nameList } from '../report/words.js';
import { targetLabel } from '../targets/index.js';
import type { Verdict } from '../verify/verdict.js';
import type { InseparableInputs } from '../flake-lock/inseparable.js';
import type { SearchResult } from './search.js';

export interface Findings {
  readonly heldBack: readonly HeldBackInput[];
  /** Names of the targets that base broke, not the update. */
  readonly brokenOnBase: readonly string[];
  readonly notHeldBack: readonly NotHeldBack[];
}

export interface Searched {
  /** Verdicts of the candidate with everything moved. */
  readonly broken: readonly Verdict[];
  readonly groups: readonly InseparableInputs[];
  readonly never: readonly string[];
  /** Results by name, of those targets that were searched for. */
  readonly results: ReadonlyMap<string, SearchResult>;
  /** What probes showed that moved one of several inputs to blame. */
  readonly evidence: readonly Evidence[];
}

/** How a target breaks with an input when the others that are to blame for it stay. */
export interface Evidence {
  readonly input: string;
  readonly verdict: Verdict;
}

const REASON_BYTES = 500;

/** Failures of all inputs together: about a kilobyte each, and a report has to stay below what a payload may have, 2 MiB. */
const FAILURES_IN_ALL = 400;

/** Each broken target is in exactly one of the three lists. */
export function findings({ broken, groups, never, results, evidence }: Searched): Findings {
  const held = new Map<string, HeldBackInput>();
  const brokenOnBase: string[] = [];
  const notHeldBack: NotHeldBack[] = [];
  for (const verdict of broken) {
    const target = targetLabel(verdict.target);
    const result = results.get(target) ?? (verdict.sameAsBase === true ? SAME_AS_BASE : null);
    if (result?.kind === 'broken-on-base') brokenOnBase.push(target);
    else if (result?.kind === 'found')
      for (const input of result.held.flat()) add(held, input, shown(input, verdict, evidence));
    else notHeldBack.push({ target, reason: whyNot(result, verdict, never) });
  }
  return { heldBack: shortened(groups.flat().flatMap((name) => held.get(name) ?? [])), brokenOnBase, notHeldBack };
}

/** The same with fewer failures of each input where there are very many inputs. */
function shortened(heldBack: readonly HeldBackInput[]): readonly HeldBackInput[] {
  const each = Math.max(1, Math.floor(FAILURES_IN_ALL / heldBack.length));
  return each >= FAILURES_LISTED
    ? heldBack
    : heldBack.map((held) => ({ ...held, failures: (held.failures ?? []).slice(0, each) }));
}

/** The same when something else may still be done for the targets that would need every input to be kept back. */
export function unlessNothingMoves(found: Findings, moved: readonly string[]): Findings {
  if (found.heldBack.length === 0 || found.heldBack.length < moved.length) return found;
  const reason = `would need every input that moved to be kept back: ${nameList(moved)}`;
  const helpless = [...new Set(found.heldBack.flatMap(({ targets }) => targets))];
  const notHeldBack = [...found.notHeldBack, ...helpless.map((target) => ({ target, reason }))];
  return { ...found, heldBack: [], notHeldBack };
}

const SAME_AS_BASE: SearchResult = { kind: 'broken-on-base' };

/** The verdict that tells most of an input: with several to blame, that of a probe which moved it without the others. */
const shown = (input: string, verdict: Verdict, evidence: readonly Evidence[]): Verdict =>
  evidence.find((one) => one.input === input && targetLabel(one.verdict.target) === targetLabel(verdict.target))
    ?.verdict ?? verdict;

function add(held: Map<string, HeldBackInput>, input: string, verdict: Verdict): void {
  const before = held.get(input);
  const target = targetLabel(verdict.target);
  const {
    targets,
    failures = [],
    ...first
  } = before ?? {
    input,
    targets: [],
    reason: oneLine(failureWords(verdict), REASON_BYTES),
    logPath: verdict.logPath,
  };
  const more = failures.length < FAILURES_LISTED ? [failureOf(verdict, failures.length === 0)] : [];
  held.set(input, { ...first, targets: [...targets, target], failures: [...failures, ...more] });
}

const failureOf = (verdict: Verdict, first: boolean): HeldBackFailure => ({
  target: targetLabel(verdict.target),
  error: oneLine(failureWords(verdict), REASON_BYTES),
  failedDrv: verdict.failedDrv,
  machine: verdict.machine,
  logPath: verdict.logPath,
  logTail: first ? verdict.logTail : null,
});

function whyNot(
  result: Exclude<SearchResult, { readonly kind: 'found' }> | null,
  verdict: Verdict,
  never: readonly string[],
): string {
  if (result === null) return `was not built: ${oneLine(verdict.error ?? verdict.verdict, REASON_BYTES)}`;
  if (result.kind === 'must-move') return `breaks with inputs that must not be kept back: ${nameList(never)}`;
  return 'could not be verified on base, so nothing is known about its inputs';
}
