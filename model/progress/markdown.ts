import { oneLine } from '../text/one-line.js';
import type { Phase, RunProgress, TargetProgress } from './progress.js';
import { reportedInput } from '../report/data.js';
import { formatSeconds, truncate, utf8Length } from '../text/text.js';
import { logDetails, type ShownFailure } from '../report/log-details.js';
import { code, row, table } from '../report/markdown-parts.js';
import { isBroken, nameList, ofEachKind, plural, VERDICTS, verdictWords, closureWords } from '../report/words.js';
import { movementWords } from '../report/input-words.js';
import { isOutputKind, kindOf, nounOf } from '../targets/index.js';

/** Limits of what a run shows of itself in the Temporal UI. */
const DETAILS_BYTES = 8 * 1024;

const INPUTS_LISTED = 15;
const UNFETCHED_LISTED = 8;
const HELD_BACK_LISTED = 8;
const LOGS_BYTES = 3 * 1024;
/** Room that the line which counts the targets left out needs. */
const REST_BYTES = 120;

const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  'waiting-for-repository': 'Waiting for the repository',
  resolving: 'Looking at the repository',
  'updating-lock': 'Updating flake.lock',
  proposing: 'One request for each input',
  verifying: 'Verifying',
  mending: 'Fixing',
  'holding-back': 'Finding the inputs to blame',
  'waiting-for-approval': 'Waiting for approval',
  landing: 'Landing',
  notifying: 'Telling people',
  closed: 'Over',
};

const OF_TARGETS: ReadonlySet<Phase> = new Set(['verifying', 'mending']);

const phaseWords = ({ phase, targets }: RunProgress): string =>
  `${PHASE_WORDS[phase]}${OF_TARGETS.has(phase) ? ` ${nounOfAll(targets)}s` : ''}`;

const nounOfAll = (targets: readonly TargetProgress[]): string => nounOf(targets.map(({ name }) => kindOf(name)));

/**
 * A run's current details: Markdown of at most 8 KiB. When the targets are too many, those that need a person come first
 * and the others are counted; nothing is cut in the middle of a table row.
 */
export function runDetails(progress: RunProgress, failures: readonly ShownFailure[] = []): string {
  const before = [
    `### ${phaseWords(progress)}${progress.outcome === null ? '' : `: ${progress.outcome}`}`,
    `${code(progress.repository, 300)} · run ${code(progress.run, 300)}`,
    progress.intent === '' ? '' : `**Will do:** ${code(progress.intent, 500)}`,
    progress.waitsFor === null ? '' : `**Waits for:** ${code(withoutCommands(progress), 500)}`,
    progress.doing == null ? '' : `**Now:** ${code(progress.doing, 500)}`,
    commands(progress),
    inputs(progress),
    progress.targets.length === 0 ? '' : counts(progress.targets),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
  const room = DETAILS_BYTES - utf8Length(before) - REST_BYTES;
  const logs = logDetails(failures, Math.min(LOGS_BYTES, room / 2));
  return `${before}${targetTable(progress.targets, room - utf8Length(logs))}${logs}\n`;
}

/** What a question asks for stands in a list of its own. */
const withoutCommands = ({ waitsFor, run }: RunProgress): string =>
  (waitsFor ?? '').replace(`: ${approvalCommands(run)}`, '');

/** What a run that waits for approval is answered with. */
export const approvalCommands = (run: string): string => `lockkeeper approve ${run}, or lockkeeper reject ${run}`;

/** What to type about the run, with what it can be decided about first. */
function commands(progress: RunProgress): string {
  const list = (...names: readonly string[]): string => names.map((name) => command(name, progress.run)).join('\n');
  if (progress.phase === 'closed') return `Commands:\n${list('report', 'logs')}`;
  if (progress.approval === null) return `Commands:\n${list('watch', 'logs', 'cancel')}`;
  const { commit, deadline } = progress.approval;
  return `Commit ${code(commit, 64)} can be decided on until ${code(deadline, 40)}:\n${list('approve', 'reject', 'status')}`;
}

/** What the Temporal UI shows of a run also when no worker answers for it: where its report is. */
export const startDetails = (run: string): string =>
  [
    'To follow it, and to read its report once it is over:',
    ...['watch', 'report'].map((each) => command(each, run)),
  ].join('\n');

const command = (name: string, run: string): string => `- ${code(`lockkeeper ${name} ${oneLine(run)}`)}`;

function inputs(progress: RunProgress): string {
  const moved = progress.moved.slice(0, INPUTS_LISTED).map((input) => {
    return `- ${code(input.name, 60)} ${code(movementWords(reportedInput(input)), 60)}`;
  });
  const more = progress.moved.length - moved.length;
  const stayed = progress.unfetched.slice(0, UNFETCHED_LISTED).map((input) => {
    return `- ${code(input.name, 60)} stays: ${code(input.reason, 150)}`;
  });
  const held = (progress.heldBack ?? []).slice(0, HELD_BACK_LISTED).map(({ input, targets, reason }) => {
    const breaks = targets.length === 0 ? '' : `breaks ${nameList(targets)}: `;
    return `- ${code(input, 60)} is held back: ${code(`${breaks}${reason}`, 200)}`;
  });
  const fixed = progress.mended ?? [];
  const lines = [
    ...moved,
    ...(more > 0 ? [`- and ${plural(more, 'input')} more`] : []),
    ...stayed,
    ...held,
    ...(fixed.length === 0 ? [] : [`- fixed by an agent: ${code(nameList(fixed), 200)}`]),
  ];
  // Without words between them, two lists are one.
  return lines.length === 0 ? '' : ['Inputs:', ...lines].join('\n');
}

const counts = (targets: readonly TargetProgress[]): string =>
  ofEachKind(
    targets,
    ({ name }) => kindOf(name),
    (own, { noun, good }) =>
      `${plural(own.length, noun)}: ${own.filter(({ verdict }) => verdict === 'built').length} ${good}, ${own.filter(isBroken).length} broken`,
  ).join(' · ');

/** Rows while there is room for them, then how many are not shown. */
function targetTable(targets: readonly TargetProgress[], room: number): string {
  if (targets.length === 0) return '';
  const noun = nounOfAll(targets);
  const head = table(['', noun, 'system', 'state', 'closure', 'time'], []);
  const rows: string[] = [];
  let used = utf8Length(head) + 2;
  for (const target of [...targets].sort((one, other) => urgency(one) - urgency(other))) {
    const line = targetRow(target);
    used += utf8Length(line) + 1;
    if (used > room) break;
    rows.push(line);
  }
  const more = targets.length - rows.length;
  const rest = more > 0 ? `\n\nand ${plural(more, noun)} more` : '';
  return rows.length === 0 ? rest : `\n\n${[head, ...rows].join('\n')}${rest}`;
}

const STATES: Readonly<Record<TargetProgress['state'], string>> = {
  waiting: 'not begun',
  evaluating: 'evaluates',
  queued: 'begins, or waits for a builder',
  building: 'builds',
  uploading: 'built, is uploaded',
  done: 'done',
};

function urgency(target: TargetProgress): number {
  if (isBroken(target)) return 0;
  return { building: 1, uploading: 2, evaluating: 3, queued: 4, waiting: 5, done: 6 }[target.state];
}

function targetRow(target: TargetProgress): string {
  const verdict = target.verdict === null ? null : VERDICTS[target.verdict];
  const about = target.error ?? target.caches ?? '';
  const error = about === '' ? '' : `: ${code(truncate(about, 150))}`;
  return row([
    verdict?.symbol ?? '…',
    code(target.name, 120),
    code(target.system ?? '', 40),
    `${target.verdict === null ? STATES[target.state] : verdictWords({ kind: kindOf(target.name), verdict: target.verdict })}${error}`,
    isOutputKind(kindOf(target.name)) ? closureWords(target) : '',
    target.seconds === null ? '' : formatSeconds(target.seconds),
  ]);
}
