import { waysOfLanding } from '../landing/index.js';
import { channelCounts } from '../channels/move.js';
import { isOverLimit } from './data.js';
import type { Paint } from './paint.js';
import type {
  AttemptOutcome,
  Landed,
  Outcome,
  PlannedBuilds,
  Report,
  ReportedAttempt,
  ReportedFix,
  ReportedPart,
  ReportedTarget,
} from './data.js';
import { groupBy } from '../text/group-by.js';
import { oneLine, oneName } from '../text/one-line.js';
import { capitalized, formatSeconds, shellQuote } from '../text/text.js';
import type { ComparedWords } from '../run/comparison.js';
import type { VerdictKind } from '../targets/types.js';
import { kindOf, nounOf, targetKindNames, wordsOf, type KindWords } from '../targets/index.js';

/** What all forms of a report say in the same words. Texts that come out of here hold no control characters. */

/** Lines of a broken target's log that a report shows; the whole log is named beside them. */
export const SHOWN_LOG_LINES = 20;
export const SHOWN_LOG_BYTES = 4 * 1024;

export const NAME_BYTES = 120;

export const isBroken = (target: { readonly verdict: VerdictKind | null }): boolean =>
  target.verdict !== null && target.verdict !== 'built' && target.verdict !== 'skipped';

/** Broken targets, those first that stopped the landing. */
export const brokenTargets = (report: Report): ReportedTarget[] => {
  const stopping = stoppingTargets(report);
  const others = report.targets.filter((target) => !stopping.includes(target));
  return [...stopping, ...others].filter(isBroken);
};

/** Targets that kept a run from landing: required ones that were not built, though nothing broke them before. */
export const stoppingTargets = (report: Report): ReportedTarget[] =>
  report.outcome === 'broken' && isUpdate(report) && !isOverLimit(report) ? missedTargets(report) : [];

const isUpdate = ({ verifiedBranch, compared }: Report): boolean =>
  verifiedBranch === undefined && compared === undefined;

/** Required targets that were not built, though nothing broke them before. */
export const missedTargets = ({ targets, brokenOnBase }: Report): ReportedTarget[] =>
  targets.filter(({ name, required, verdict }) => required && verdict !== 'built' && !brokenOnBase.includes(name));

/** Names in a sentence: at most `limit` of them, the others only counted. */
export function nameList(names: readonly string[], limit = 5): string {
  const listed = names.slice(0, limit).map((name) => oneLine(name, NAME_BYTES));
  const more = names.length - listed.length;
  return more > 0 ? `${listed.join(', ')} and ${more} more` : listed.join(', ');
}

export const plural = (count: number, noun: string, nouns = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : nouns}`;

export function outcomeWords(report: Report): string {
  if (report.parts !== undefined && report.parts.length > 0) return partsWords(report, report.parts);
  switch (report.outcome) {
    case 'landed':
      return landedOutcome(report.landed);
    case 'verified':
      if (report.compared !== undefined) return `Compared with ${againstWords(report.compared)}, nothing pushed`;
      return report.verifiedBranch === undefined
        ? 'Verified, nothing pushed'
        : `Verified ${oneLine(report.verifiedBranch, NAME_BYTES)}`;
    case 'unchanged':
      if (report.compared !== undefined) return `Nothing to compare: the same as ${againstWords(report.compared)}`;
      if (report.heldBack.length > 0) return 'Nothing to land, all that moved is held back';
      return report.unfetched.length > 0 ? 'Nothing moved' : 'Nothing to update';
    case 'broken':
      if (report.compared !== undefined) return `Broken beside ${againstWords(report.compared)}, nothing pushed`;
      if (report.verifiedBranch !== undefined) return `Broken on ${oneLine(report.verifiedBranch, NAME_BYTES)}`;
      return report.nothingVerified === undefined
        ? 'Broken, nothing pushed'
        : isOverLimit(report)
          ? 'Too much to build, nothing pushed'
          : 'Nothing could be verified, nothing pushed';
    case 'rejected':
      return report.declined === undefined
        ? `Rejected, ${leftWords(report)}`
        : `Declined before, by closing pull request #${report.declined.number}: nothing pushed`;
    case 'expired':
      return `Expired without an approval, ${leftWords(report)}`;
    case 'superseded':
      return `Gave way to ${oneLine(report.supersededBy ?? 'a newer run', 200)}, ${leftWords(report)}`;
    case 'cancelled':
      return 'Cancelled';
    case 'failed':
      return 'Failed';
  }
}

/** How a run ended that proposed each input by itself. */
function partsWords({ outcome }: Report, parts: readonly ReportedPart[]): string {
  const count = (is: (part: ReportedPart) => boolean): number => parts.filter(is).length;
  const proposed = count(({ landed }) => landed?.request !== undefined);
  const of = plural(parts.length, 'update');
  const ended = outcome === 'broken' || outcome === 'failed' || outcome === 'cancelled' ? capitalized(outcome) : '';
  if (outcome === 'verified')
    return `Verified ${count(({ outcome: own }) => own === 'verified')} of ${of}, nothing pushed`;
  const words = `proposed ${proposed} of ${of}`;
  return ended === '' ? capitalized(words) : `${ended}, ${words}`;
}

const againstWords = ({ against }: ComparedWords): string => oneLine(against, NAME_BYTES);

function landedOutcome(landed: Landed | null): string {
  if (landed?.merged !== undefined) return 'Merged';
  const outcome = landed === null ? 'Landed' : waysOfLanding[landed.mode].outcome;
  return `${outcome}${landed?.already === true ? ' before' : ''}`;
}

const leftWords = ({ landed }: Report): string =>
  landed?.request === undefined ? 'nothing pushed' : `pull request #${landed.request.number} not merged`;

export const OUTCOME_SYMBOLS: Readonly<Record<Outcome, string>> = {
  landed: '✔',
  verified: '✔',
  unchanged: '•',
  broken: '✘',
  rejected: '✘',
  expired: '✘',
  superseded: '■',
  cancelled: '■',
  failed: '✘',
};

/** `3 of 4 hosts built`, `1 of 2 gates passed`. */
export const hitWords = (report: Report): readonly string[] =>
  ofEachKind(
    report.targets,
    ({ kind }) => kind,
    (targets, { noun, good }) =>
      `${targets.filter(({ verdict }) => verdict === 'built').length} of ${plural(targets.length, noun)} ${good}`,
  );

export const ofEachKind = <T>(
  targets: readonly T[],
  kindOfOne: (target: T) => string,
  say: (targets: readonly T[], words: KindWords) => string,
): readonly string[] => {
  const byWords = groupBy(targets, (target) => wordsOf(kindOfOne(target)));
  return targetKindNames.flatMap((name) => {
    const own = byWords.get(wordsOf(name)) ?? [];
    return own.length === 0 ? [] : [say(own, wordsOf(name))];
  });
};

/** How many targets of the flake nobody asked the run for: `4 hosts and 1 package of the flake were not asked for`. */
export const notAskedWords = ({ notAsked, targets }: Report): string =>
  notAsked.length === 0 || targets.length === 0
    ? ''
    : `${ofEachKind(notAsked, kindOf, (own, { noun }) => plural(own.length, noun)).join(' and ')} of the flake ${notAsked.length === 1 ? 'was' : 'were'} not asked for`;

/** Targets that are there no more: `2 gone: db, web` */
export const goneWords = ({ gone }: Report): string =>
  gone.length === 0 ? '' : `${gone.length} gone: ${nameList(gone, 20)}`;

export const builtNoun = ({ targets }: Report): string => nounOf(targets.map(({ kind }) => kind));

/** `1234 derivations, where maxBuilds allows 100` */
export const tooManyWords = ({ builds, limit }: PlannedBuilds): string =>
  `${plural(builds, 'derivation')}, where maxBuilds allows ${limit}`;

/** What the update builds, where the owner has set a limit. */
export function plannedWords({ plannedBuilds }: Report): string {
  if (plannedBuilds === undefined) return '';
  const { builds, limit, approvedBy } = plannedBuilds;
  if (builds <= limit) return `${plural(builds, 'derivation')} to build`;
  const who =
    approvedBy === undefined ? '' : ` (approved${approvedBy === null ? '' : ` by ${oneLine(approvedBy, NAME_BYTES)}`})`;
  return `to build: ${tooManyWords(plannedBuilds)}${who}`;
}

/** How many inputs moved, and whose turn it was if inputs take turns: `2 inputs moved (turn of alpha, beta)`. */
export function movedWords({ inputs, inputGroup }: Report): string {
  if (inputs.length === 0) return '';
  return `${plural(inputs.length, 'input')} moved${inputGroup === undefined ? '' : ` (turn of ${nameList(inputGroup)})`}`;
}

/** Counts in one sentence: `2 inputs moved · 3 of 4 hosts built · stopped by gamma · 1 broken before: delta`. */
export function countsWords(report: Report): string {
  const { fixes, heldBack, brokenOnBase, unfetched } = report;
  const stopping = stoppingTargets(report);
  const broken = brokenTargets(report).filter((target) => !stopping.includes(target));
  const before = broken.filter(({ name }) => brokenOnBase.includes(name));
  const counted = (targets: readonly ReportedTarget[], what: string): string =>
    targets.length > 0 ? `${targets.length} ${what}: ${nameList(targets.map(({ name }) => name))}` : '';
  const fixed = fixes.filter(({ commit }) => commit !== null);
  const parts = [
    movedWords(report),
    ...hitWords(report),
    goneWords(report),
    notAskedWords(report),
    plannedWords(report),
    fixed.length > 0 ? `${fixed.length} fixed: ${nameList(fixed.map(({ target }) => target))}` : '',
    heldBack.length > 0 ? `${heldBack.length} held back: ${nameList(heldBack.map(({ input }) => input))}` : '',
    stopping.length > 0 ? `stopped by ${nameList(stopping.map(({ name }) => name))}` : '',
    counted(
      broken.filter((target) => !before.includes(target)),
      'broken',
    ),
    counted(before, 'broken before'),
    unfetched.length > 0 ? `${unfetched.length} not updated: ${nameList(unfetched.map(({ name }) => name))}` : '',
    channelCounts(report.channels),
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

/** What is said of failures in a row, from the second on; `null` when there is nothing to say. */
export function failuresWords({ failuresInRow, instance }: Report): string | null {
  if (failuresInRow === undefined || failuresInRow.count < 2) return null;
  const paused = failuresInRow.paused
    ? `; its schedule is paused ("lockkeeper schedules resume ${oneLine(instance, 120)}" ends that)`
    : '';
  return `${failuresInRow.count} failures in a row${paused}`;
}

const OUTCOMES: Readonly<Record<AttemptOutcome, string>> = {
  mended: 'fixes it',
  'still-broken': 'failed',
  'taken-out': 'taken out again',
  refused: 'refused',
  unchanged: 'no change',
  'timed-out': 'ended',
  unusable: 'no agent',
};

/** What came of an attempt: `attempt 2 (1 min 05 s): failed: …`. */
export function attemptWords({ number, outcome, reason, seconds, sandboxed, files }: ReportedAttempt): string {
  const changed = files.length === 0 ? '' : ` Changed: ${nameList(files)}.`;
  const why = reason === null ? '.' : `: ${oneLine(reason, 500)}.`;
  const apart = sandboxed || outcome === 'unusable' ? '' : ' Ran without a sandbox.';
  return `attempt ${number} (${formatSeconds(seconds)}): ${OUTCOMES[outcome]}${why}${changed}${apart}`;
}

/** What came of all attempts at a target: `fixed by 3f2a1b4c`. */
export const fixWords = ({ commit }: ReportedFix): string =>
  commit === null ? 'not fixed' : `fixed by ${shortRevision(commit)}`;

export const verdictWords = ({
  kind,
  verdict,
  knownFrom,
}: Pick<ReportedTarget, 'kind' | 'verdict' | 'knownFrom'>): string =>
  `${wordsOf(kind).verdicts[verdict]}${knownFrom === undefined ? '' : ' (known before)'}`;

/** What makes a broken target matter less, in brackets behind its verdict. */
export function mitigation({ brokenOnBase }: Report, target: ReportedTarget): string {
  if (!isBroken(target)) return '';
  if (brokenOnBase.includes(target.name)) return ' (broken before)';
  if (target.required) return '';
  return ` (${wordsOf(target.kind).notRequired})`;
}

/** What a person has to decide on before anything else, a sentence for each input: it would fetch from where it did not before. */
export const newSourcesWords = ({ heldBack }: Pick<Report, 'heldBack'>): readonly string[] =>
  heldBack
    .filter(({ newSources }) => newSources !== undefined)
    .map(({ input, reason }) => `${oneName(input)} is held back: ${oneLine(reason, 1000)}`);

/** How a verdict is marked, while a run goes on and in its report. */
export const VERDICTS: Readonly<Record<VerdictKind, { readonly symbol: string; readonly tone: keyof Paint }>> = {
  built: { symbol: '✔', tone: 'green' },
  'evaluation-failed': { symbol: '✘', tone: 'red' },
  'build-failed': { symbol: '✘', tone: 'red' },
  'timed-out': { symbol: '✘', tone: 'red' },
  skipped: { symbol: '–', tone: 'yellow' },
};

/** Whether the closure is another than on base; nothing of a host that has none. @param isCompared whether there is a base */
export function closureWords(
  target: { readonly sameAsBase: boolean | null; readonly verdict: VerdictKind | null },
  isCompared = true,
): string {
  if (!isCompared) return '';
  if (target.sameAsBase === null) return target.verdict === 'built' ? 'not known' : '';
  return target.sameAsBase ? 'same' : 'changed';
}

/** A full revision in the length that people use; `sha256-` hashes keep some of what follows. */
export function shortRevision(revision: string): string {
  const clean = oneLine(revision);
  if (/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(clean)) return clean.slice(0, 8);
  return clean.replace(/^sha256-/, '').slice(0, 8);
}

export function approvalWords(report: Report): string | null {
  if (report.approval === null) return null;
  const { decision, by, commit, comment } = report.approval;
  const who = by === null ? '' : ` by ${oneLine(by, NAME_BYTES)}`;
  const why = comment === null || comment.trim() === '' ? '' : `: ${oneLine(comment, 500)}`;
  const { landed } = report;
  const carried = decision === 'approved' && landed !== null && landed.already !== true && landed.commit !== commit;
  return `${decision}${who} (${shortRevision(commit)}${carried ? ', then carried over onto a newer main' : ''})${why}`;
}

/** The command that shows the whole log of a target, wherever it is kept. */
export const logsCommand = (run: string, target: string): string =>
  `lockkeeper logs ${oneLine(run)} ${shellQuote(target)}`;
