import { lostWords } from '../channels/move.js';
import type { NotificationEvent, Notifier } from './types.js';
import {
  isFailure,
  isOverLimit,
  type Outcome,
  type Report,
  type ReportedInput,
  type ReportedTarget,
} from '../report/data.js';
import { letGoWords, overdueInputs } from '../report/held-back-words.js';
import {
  brokenTargets,
  countsWords,
  failuresWords,
  mitigation,
  newSourcesWords,
  outcomeWords,
} from '../report/words.js';
import { insteadOfWords, landedWords, requestWords } from '../report/landed-words.js';
import { isNestedOnly, movementWords, nestedOf } from '../report/input-words.js';
import { oneLine, oneName } from '../text/one-line.js';
import { truncate } from '../text/text.js';
import { failureWords } from '../verify/failure-words.js';
import { heldBackLine } from './held-back.js';
import { partRows } from '../report/part-words.js';

/** What an ntfy server is told. Text from outside is one line each, so that none of it can pose as another part. */
export const ntfy: Notifier = {
  wants: ({ ntfy }) => ntfy !== null,
  secretFiles: ({ ntfy }) => (ntfy?.tokenFile == null ? [] : [ntfy.tokenFile]),
  summary: ({ ntfy }) => (ntfy === null ? null : `ntfy ${ntfy.topic}`),
};

/** Body of ntfy's JSON publishing: https://docs.ntfy.sh/publish/#publish-as-json */
export interface NtfyMessage {
  readonly topic: string;
  readonly title: string;
  readonly message: string;
  readonly tags: readonly string[];
  /** 1 (min) to 5 (max); 3 is the default. */
  readonly priority: number;
  readonly actions?: readonly { readonly action: 'view'; readonly label: string; readonly url: string }[];
}

/** The server turns a message past 4,096 bytes into an attachment. */
const MESSAGE_BYTES = 3500;
const TITLE_BYTES = 200;
/** Nested inputs that are listed for one that only has these to tell of. */
const NESTED_LISTED = 3;
/** The most buttons that ntfy shows. */
const ACTIONS = 3;

/**
 * The last line of a message, by which a repeat after a crash is recognised. An event that may come more than once in a
 * run carries what tells one occurrence from the next: the commit that is asked about, or the time of the reminder.
 * @param at ISO 8601 time of the event
 */
export function notificationMark(event: NotificationEvent, report: Report, at: string): string {
  const occurrence = { finished: '', waiting: ` ${report.head ?? ''}`, reminder: ` ${at}` }[event];
  return oneLine(`Run ${report.run}, ${event}${occurrence}`);
}

/** @param opts.at ISO 8601 time of the event */
export function ntfyMessage(
  event: NotificationEvent,
  report: Report,
  opts: { readonly topic: string; readonly at: string },
): NtfyMessage {
  const form = event === 'finished' ? finishedForm(report) : WAITING_FORM;
  const what = event === 'finished' ? outcomeWords(report) : 'Waiting for approval';
  const lines = event === 'finished' ? finishedLines(report) : waitingLines(event, report);
  const message = truncate(lines.filter((line) => line !== '').join('\n'), MESSAGE_BYTES);
  const actions = compareActions(report);
  return {
    topic: opts.topic,
    title: oneLine(`${form.emoji} ${what}: ${report.repository} (${report.instance})`, TITLE_BYTES),
    message: `${message}\n${notificationMark(event, report, opts.at)}`,
    tags: form.tags,
    priority: form.priority,
    ...(actions.length === 0 ? {} : { actions }),
  };
}

interface Form {
  readonly emoji: string;
  readonly priority: number;
  readonly tags: readonly string[];
}

const FAILURE_FORM: Form = { emoji: '❌', priority: 4, tags: ['x', 'flake', 'warning'] };
const ALARM_FORM: Form = { emoji: '🚨', priority: 5, tags: ['rotating_light', 'flake', 'warning'] };
const STOPPED_FORM: Form = { emoji: '🚫', priority: 2, tags: ['no_entry_sign', 'flake'] };
const WAITING_FORM: Form = { emoji: '✋', priority: 4, tags: ['raised_hand', 'flake'] };

const OUTCOME_FORMS: Readonly<Record<Outcome, Form>> = {
  landed: { emoji: '✅', priority: 3, tags: ['white_check_mark', 'flake'] },
  verified: { emoji: '🧪', priority: 2, tags: ['test_tube', 'flake'] },
  unchanged: { emoji: 'ℹ️', priority: 2, tags: ['information_source', 'flake'] },
  broken: FAILURE_FORM,
  failed: FAILURE_FORM,
  expired: FAILURE_FORM,
  rejected: STOPPED_FORM,
  superseded: STOPPED_FORM,
  cancelled: STOPPED_FORM,
};

/**
 * Nothing is more urgent than failures in a row. A run that ended well is urgent all the same when an input is held back for too
 * long. One in which nothing is left to land is heard when that is new, and silent in the nights that follow.
 */
function finishedForm(report: Report): Form {
  if (isFailure(report.outcome)) return report.failuresInRow?.alarm === true ? ALARM_FORM : FAILURE_FORM;
  const form = OUTCOME_FORMS[report.outcome];
  if (lostWords(report.channels) !== null) return ALARM_FORM;
  if (overdueInputs(report).length > 0)
    return { emoji: '⏰', priority: FAILURE_FORM.priority, tags: ['alarm_clock', 'flake', 'warning'] };
  const isNew = report.heldBack.some(
    ({ targets, newSources = [], since }) => targets.length + newSources.length > 0 && since === report.startedAt,
  );
  return report.outcome === 'unchanged' && isNew ? { ...form, priority: 3 } : form;
}

function finishedLines(report: Report): string[] {
  const landed = landedWords(report);
  return [
    failuresWords(report) ?? '',
    lostWords(report.channels) ?? '',
    ...newSourcesWords(report).slice(0, 5),
    countsWords(report),
    landed === null ? '' : `Commit ${landed.commit.slice(0, 12)} ${landed.text} ${landed.ref}`,
    insteadOfWords(report) ?? '',
    ...requestWords(report).map(({ text, url }) => (url === null ? text : `${text}: ${oneLine(url, 300)}`)),
    ...partRows(report)
      .slice(0, 20)
      .map(
        ({ inputs, headline, request }) => `${inputs}: ${headline}${request?.url == null ? '' : ` (${request.url})`}`,
      ),
    report.error === null ? '' : oneLine(report.error, 1000),
    oneLine(report.nothingVerified ?? '', 1000),
    ...inputLines(report),
    ...heldBackLines(report),
    ...brokenTargets(report)
      .slice(0, 10)
      .map((target) => `✘ ${oneName(target.name)}${mitigation(report, target)}: ${failureLine(target)}`),
    ...report.unfetched.slice(0, 5).map((input) => `${oneName(input.name)} stays: ${oneLine(input.reason, 200)}`),
  ];
}

function waitingLines(event: NotificationEvent, report: Report): string[] {
  return [
    event === 'reminder' ? 'Still waiting for a decision.' : '',
    ...newSourcesWords(report).slice(0, 5),
    `To ${isOverLimit(report) ? 'build' : 'land'} it: lockkeeper approve ${oneLine(report.run)}`,
    `To refuse it: lockkeeper reject ${oneLine(report.run)}`,
    report.head === null ? '' : `Commit ${oneLine(report.head)}`,
    countsWords(report),
    ...inputLines(report),
    ...heldBackLines(report),
  ];
}

const failureLine = (target: ReportedTarget): string => oneLine(failureWords(target), 300);

const inputLines = (report: Report): string[] =>
  report.inputs
    .slice(0, 20)
    .flatMap((input) => [`${oneName(input.name)}: ${movementWords(input)}`, ...nestedLines(input)]);

/** Nested inputs that moved, where nothing else is to be said of an input. */
function nestedLines(input: ReportedInput): string[] {
  if (!isNestedOnly(input)) return [];
  const { shown, more } = nestedOf(input, NESTED_LISTED);
  return [
    ...shown.map(({ path, movement }) => `· ${path}${movement === '' ? '' : `: ${movement}`}`),
    ...(more > 0 ? [`· and ${more} more`] : []),
  ];
}

const heldBackLines = (report: Report): string[] => [
  ...report.heldBack.slice(0, 10).map((held) => `${oneName(held.input)} ${heldBackLine(held, report)}`),
  ...report.letGo.slice(0, 10).map((input) => `${oneName(input.input)} ${letGoWords(input)}`),
  ...report.notHeldBack.slice(0, 5).map(({ target, reason }) => `${oneName(target)} ${oneLine(reason, 200)}`),
];

/** Buttons that open what moved. */
const compareActions = (report: Report): { action: 'view'; label: string; url: string }[] =>
  report.inputs
    .flatMap(({ name, compareUrl, ...input }) => [
      { path: name, compareUrl },
      ...(isNestedOnly(input) ? nestedOf(input, ACTIONS).shown : []),
    ])
    .flatMap(({ path, compareUrl }) => (compareUrl?.startsWith('https://') === true ? [{ path, url: compareUrl }] : []))
    .slice(0, ACTIONS)
    .map(({ path, url }) => ({ action: 'view', label: `Compare ${oneLine(path, 40)}`, url: oneLine(url, 500) }));
