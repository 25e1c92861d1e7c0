import { capitalized } from '../text/text.js';
import type { MovedInput } from '../verify/candidate.js';
import { oneLine, oneName } from '../text/one-line.js';
import { reportedInput, type HeldBackInput } from './data.js';
import { stayWords } from './held-back-words.js';
import { newSourcesWords } from './words.js';
import { dateWords, movementWords, nestedOf, type ShownNested } from './input-words.js';
import type { Verdict } from '../verify/verdict.js';
import { isFlakeTarget, nounOf, targetKinds, targetLabel, type FlakeTarget } from '../targets/index.js';

interface CommitMessageInput {
  readonly instance: string;
  readonly run: string;
  readonly moved: readonly MovedInput[];
  readonly heldBack: readonly HeldBackInput[];
  /** What the run builds, sorted. */
  readonly targets: readonly FlakeTarget[];
}

/** First line of every lock update's message. */
export const SUBJECT = 'chore(flake): update flake.lock';
const INSTANCE = 'Lockkeeper-Instance';
const RUN = 'Lockkeeper-Run';
const SEAL = 'Lockkeeper-Seal';

/** Names that are listed before the rest is only counted. */
const TARGETS_LISTED = 100;
const NESTED_LISTED = 20;
const COLUMNS = 72;
const REASON_BYTES = 500;

/**
 * The whole message of a lock update's commit. The same input gives the same text, byte for byte.
 *
 * Names and URLs come from outside: each is put on one line behind a dash or spaces, so that none of them can add a
 * line, begin a paragraph of trailers, or be the `---` that ends a message for git-interpret-trailers(1).
 */
export function commitMessage({ instance, run, moved, heldBack, targets }: CommitMessageInput): string {
  const kinds = targets.map(({ kind }) => kind);
  const paragraphs = [
    SUBJECT,
    ...newSourcesWords({ heldBack }).map((words) => quiet(words)),
    ['Inputs:', ...moved.flatMap(inputLines)].join('\n'),
    ...(heldBack.length === 0
      ? []
      : [['Inputs that stay where they are:', ...heldBack.flatMap(heldBackLines)].join('\n')]),
    ...(targets.length === 0
      ? []
      : [
          [`${capitalized(nounOf(kinds))}s that this run verifies:`, ...targetLines(targets.map(targetLabel))].join(
            '\n',
          ),
        ]),
    trailers(instance, run),
  ];
  return `${paragraphs.join('\n\n')}\n`;
}

/** What says whose a commit is. The seal that says that nobody has changed it since joins them when it is made. */
const trailers = (instance: string, run: string): string =>
  `${INSTANCE}: ${oneLine(instance)}\n${RUN}: ${oneLine(run)}`;

interface FixMessageInput {
  readonly instance: string;
  readonly run: string;
  readonly broken: Verdict;
  /** Name of the agent's command, and which attempt of it this is. */
  readonly agent: string;
  readonly attempt: number;
}

/** The whole message of an agent's fix, under the same rules as `commitMessage`. */
export function fixMessage({ instance, run, broken, agent, attempt }: FixMessageInput): string {
  const { target } = broken;
  const what = targetKinds[target.kind].breakage(oneName(target.name), broken.verdict);
  const scope = oneName(isFlakeTarget(target) ? targetLabel(target) : target.name);
  const paragraphs = [
    `fix(${quiet(scope)}): work with the updated inputs`,
    [
      quiet(`With the inputs of this update ${what}:`),
      `- ${quiet(oneLine(broken.error ?? broken.verdict, REASON_BYTES))}`,
      ...(broken.failedDrv === null ? [] : [`- in ${quiet(oneLine(broken.failedDrv, REASON_BYTES))}`]),
    ].join('\n'),
    `Changed by ${oneName(agent)}, attempt ${attempt}.`,
    trailers(instance, run),
  ];
  return `${paragraphs.join('\n\n')}\n`;
}

/** Id of the run that made a commit; `null` when Lockkeeper did not make it. */
export const runTrailer = (message: string): string | null => trailer(message, RUN);

/** Instance whose run made a commit; `null` when Lockkeeper did not make it. */
export const instanceTrailer = (message: string): string | null => trailer(message, INSTANCE);

const SEAL_LINE = new RegExp(`(?<=\\n)${SEAL}: ([0-9a-f]{64})\\n$`);

/** Seal of a commit, if that is the last line of its message. */
export const sealTrailer = (message: string): string | null => SEAL_LINE.exec(message)?.[1] ?? null;

/** @param message that ends with a paragraph of trailers */
export const withSeal = (message: string, seal: string): string => `${withoutSeal(message)}${SEAL}: ${seal}\n`;

export const withoutSeal = (message: string): string => message.replace(SEAL_LINE, '');

/** A message without what tells the same update of two runs apart. */
export const withoutRun = (message: string): string =>
  withoutSeal(message).replace(new RegExp(`\\n${RUN}: [^\\n]*\\n$`), '\n');

function inputLines(moved: MovedInput): string[] {
  const input = reportedInput(moved);
  const dates = input.from === input.to ? '' : dateWords(input);
  const { shown, more } = nestedOf(input, NESTED_LISTED);
  return [
    ...moveLines('- ', {
      path: oneName(input.name),
      movement: movementWords(input),
      dates,
      compareUrl: input.compareUrl,
    }),
    ...shown.flatMap((nested) => moveLines('  - ', nested)),
    ...(more > 0 ? [`  - and ${more} more`] : []),
  ];
}

function moveLines(dash: string, { path, movement, dates, compareUrl }: ShownNested): string[] {
  const [what, when] = [movement === '' ? '' : `: ${movement}`, dates === '' ? '' : ` (${dates})`];
  const url = compareUrl === null ? [] : [`${' '.repeat(dash.length)}${oneLine(compareUrl, 500)}`];
  return [`${dash}${quiet(path)}${quiet(what)}${when}`, ...url];
}

/**
 * A text from outside that calls nobody and closes nothing on a forge, which reads `@name` and `fixes #12` in messages, and keeps no CI
 * from running: all of these look for `[skip ci]`, `[ci skip]`, `[no ci]`, `[skip actions]` or the like, Azure for `***NO_CI***`.
 */
export const quiet = (text: string): string =>
  text
    .replace(/(?<!\w)@(?=\w)/g, '@ ')
    .replace(/#(?=\d)|\bGH-(?=\d)/g, '$& ')
    .replace(/\[(?=[^\]]{0,60}(?:skip|\bci\b))|\*{3}(?=NO_CI)|\bskip-checks(?=:)/gi, '$& ');

function heldBackLines(held: HeldBackInput): string[] {
  const { input, targets, reason } = held;
  const broken = targets.slice(0, NESTED_LISTED).map((target) => oneName(target));
  const more = targets.length - broken.length;
  const breaks = broken.length === 0 ? '' : ` breaks ${broken.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const stays = stayWords(held);
  return [
    quiet(`- ${oneName(input)}${breaks}`),
    `  ${quiet(oneLine(reason, REASON_BYTES))}`,
    ...(stays === null ? [] : [`  ${stays}`]),
  ];
}

function targetLines(labels: readonly string[]): string[] {
  const listed = labels.slice(0, TARGETS_LISTED).map((label) => quiet(oneName(label)));
  const more = labels.length - listed.length;
  const words = [...listed, ...(more > 0 ? [`and ${more} more`] : [])];
  const lines: string[] = [];
  let line = ' ';
  for (const [index, word] of words.entries()) {
    const next = ` ${word}${index < words.length - 1 ? ',' : ''}`;
    if (line !== ' ' && line.length + next.length > COLUMNS) {
      lines.push(line);
      line = ' ';
    }
    line += next;
  }
  return [...lines, line];
}

/** Value of a trailer in the last paragraph, if that holds nothing but trailers; the subject is never taken for one. */
function trailer(message: string, key: string): string | null {
  const paragraphs = message
    .replaceAll('\r\n', '\n')
    .trimEnd()
    .split(/\n[ \t]*\n/);
  const lines = paragraphs.length < 2 ? [] : (paragraphs.at(-1) ?? '').split('\n');
  if (!lines.every((line) => /^(?:[A-Za-z0-9-]+[ \t]*:|[ \t]+\S|\(cherry picked from commit )/.test(line))) return null;
  const found = lines.find((line) => line.toLowerCase().startsWith(`${key.toLowerCase()}:`));
  const value = found?.slice(key.length + 1).trim() ?? '';
  return value === '' ? null : value;
}
