import { quiet } from '../commit-message.js';
import { hostsOf, type InsteadOf, type Report, type ReportedTarget } from '../data.js';
import { renderMarkdown } from '../markdown.js';
import { LEAST_MARKDOWN_BYTES } from '../markdown-fit.js';
import { words } from '../markdown-parts.js';
import { hitWords, nameList } from '../words.js';
import type { RequestPart } from '../../landing/parts.js';
import type { Repository } from '../../run/options.js';
import type { Merger } from '../../forge/merging.js';
import { namedBy, outputKinds, outputKindNames } from '../../targets/index.js';
import { attributePath } from '../../nix/text.js';
import { oneName } from '../../text/one-line.js';
import { escapeMarkdown, shellQuote, truncate, utf8Length, decoded } from '../../text/text.js';

/** What a pull request says of itself to later runs, in a comment that no reader sees. */
export interface Mark {
  readonly run: string;
  /** The commit that Lockkeeper pushed. */
  readonly commit: string;
  /** Hash of its lock; empty when that is not known. */
  readonly lock: string;
  /** What it is about, where that is not the whole lock. */
  readonly part?: RequestPart;
  /** Run that closed the request; `null` when none did. */
  readonly closedBy: string | null;
}

export const writeMark = ({ run, commit, lock, part, closedBy }: Mark): string =>
  `<!-- lockkeeper run=${encodeURIComponent(run)} commit=${commit} lock=${lock}${part === undefined ? '' : ` of=${partMark(part)}`}${closedBy === null ? '' : ` closed-by=${encodeURIComponent(closedBy)}`} -->`;

const partMark = ({ instance, inputs }: RequestPart): string =>
  [instance, ...inputs].map((each) => encodeURIComponent(each)).join(',');

const MARK =
  /^<!-- lockkeeper run=(\S*) commit=([0-9a-f]+) lock=([0-9a-f]*)(?: of=(\S+))?(?: closed-by=(\S+))? -->\s*$/gm;

/** The mark of a text; `null` when it has none. The last one counts: what a report quotes comes before. */
export function readMark(body: string): Mark | null {
  const [, run = '', commit = '', lock = '', of, closedBy] = [...body.matchAll(MARK)].at(-1) ?? [];
  if (commit === '') return null;
  const [instance = '', ...inputs] = (of ?? '').split(',').map(decoded);
  return {
    ...{ run: decoded(run), commit, lock },
    ...(of === undefined ? {} : { part: { instance, inputs } }),
    closedBy: closedBy === undefined ? null : decoded(closedBy),
  };
}

/** A text whose mark says which run has closed the request. */
export function withClosedMark(body: string, closedBy: string): string {
  const [found] = [...body.matchAll(MARK)].slice(-1);
  const mark = readMark(body);
  if (found === undefined || mark === null) return body;
  return `${body.slice(0, found.index)}${writeMark({ ...mark, closedBy })}\n`;
}

const NAMES = 3;
const TITLE_BYTES = 200;

/** `chore(flake): update nixpkgs, disko and 2 more`. */
export function requestTitle({ inputs }: Report): string {
  const names = inputs.slice(0, NAMES).map(({ name }) => oneName(name));
  const more = inputs.length - names.length;
  const what = names.length === 0 ? 'flake.lock' : `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  return truncate(quiet(`chore(flake): update ${what}`), TITLE_BYTES);
}

interface RequestText {
  readonly report: Report;
  readonly repository: Pick<Repository, 'mainBranch' | 'dir'>;
  readonly branch: string;
  readonly commit: string;
  readonly lock: string | null;
  /** What it is about, where that is not the whole lock. */
  readonly part?: RequestPart;
  readonly merge: Merger;
  /** Whether the run waits for an approval. */
  readonly asks: boolean;
  /** Whether it had one, for another update. */
  readonly again: boolean;
  /** Other open requests that stay as they are. */
  readonly leftAlone: readonly (InsteadOf & { readonly number: number })[];
  /** A request that a person closed, whose place this one takes; `null` when there is none. */
  readonly replaces: number | null;
  /** Web address of the whole report; `null` when it has none. */
  readonly page: string | null;
  /** Most bytes that the forge takes. */
  readonly limit: number;
  /** How the forge names a request. */
  readonly reference: (number: number) => string;
}

const LEFT_ALONE_NAMED = 10;

/** The text of a pull request: the report, as much of it as there is room for, what may be done with it, and its mark. */
export function requestBody(text: RequestText): string {
  const { report, repository, branch, commit, lock, part, leftAlone, replaces, page, limit, reference } = text;
  const what = whatItIs(part);
  const parts = [
    part === undefined ? '' : 'Other inputs that move have requests of their own, each verified by itself.',
    ...leftAlone
      .slice(0, LEFT_ALONE_NAMED)
      .map(({ number, reason }) => `${reference(number)} stays as it is: its branch ${words(reason, 500)}.`),
    replaces === null ? '' : `${reference(replaces)} was closed: this is another ${what}.`,
    page === null ? '' : `The whole report: <${page}>`,
    '### What to do with it',
    [
      ...whatFollows(text),
      `- Merge it, or move ${escapeMarkdown(repository.mainBranch)} to exactly the commit that was verified, if that is still a fast-forward: \`git fetch origin ${shellQuote(branch)} && git push origin ${commit}:${shellQuote(repository.mainBranch)}\``,
      `- Close it, and this ${what} is not proposed again. The next other one comes as a new request.`,
      '- Push onto the branch what the update needs: it stays there, and later updates come on another branch.',
    ].join('\n'),
    reproduction(text),
    writeMark({ run: report.run, commit, lock: lock ?? '', ...(part && { part }), closedBy: null }),
  ];
  const rest = `\n${parts.filter((part) => part !== '').join('\n\n')}\n`;
  return `${renderMarkdown(report, Math.max(LEAST_MARKDOWN_BYTES, limit - utf8Length(rest)))}${rest}`;
}

/** How a text says that the forge was to merge its request. Earlier versions say it in the same words. */
const LEFT_TO_FORGE = 'The forge merges it as soon as';

/** Whether a request's text says that the forge was to merge it. */
export const isLeftToForge = (body: string): boolean => body.includes(LEFT_TO_FORGE);

/** What is told apart when people say no, and when main moves. */
const whatItIs = (part: RequestPart | undefined): string => (part === undefined ? '`flake.lock`' : 'update');

/** What the run does about the request by itself, and how it is answered. */
function whatFollows({ report, repository, commit, merge, asks, again }: RequestText): readonly string[] {
  const who = merge === 'forge' ? LEFT_TO_FORGE : 'Lockkeeper merges it as soon as';
  const merges = `${who} all that ${escapeMarkdown(repository.mainBranch)} requires is there`;
  if (!asks) return merge === 'never' ? [] : [`- Nothing: ${merges}, unless somebody pushes onto its branch.`];
  const answers = `\`lockkeeper approve ${shellQuote(report.run)}\`${merge === 'never' ? '' : `, an approving review, or the comment \`/approve ${commit}\``}`;
  const then = merge === 'never' ? '' : ` ${merges} then.`;
  return [
    `- A run waits for an approval${again ? ' again, because this is no longer the update that was approved' : ''}: merging the request is one, and so is ${answers}.${then} Closing it rejects it.`,
  ];
}

/** How a person builds the first host that is not built, or the first one, and finds the report again. */
function reproduction({ report, repository, branch, commit }: RequestText): string {
  const hosts = hostsOf(report);
  const host = hosts.find(({ verdict }) => verdict !== 'built') ?? hosts[0];
  const attribute = host === undefined ? null : attributeOf(host);
  const flake = repository.dir === '' ? '.' : `./${repository.dir}`;
  return [
    'To see it for yourself:',
    '```sh',
    `lockkeeper report ${shellQuote(report.run)}`,
    `git fetch origin ${shellQuote(branch)} && git switch --detach ${commit}`,
    ...(attribute === null ? [] : [`nix build ${shellQuote(`${flake}#${attribute}`)}`]),
    '```',
  ].join('\n');
}

/** `nixosConfigurations.web.config.system.build.toplevel`; `null` for a target of another version's kind, or with an odd name. */
function attributeOf({ kind: wanted, name }: ReportedTarget): string | null {
  const kind = outputKindNames.find((each) => each === wanted);
  if (kind === undefined) return null;
  const known = outputKinds[kind];
  try {
    return attributePath([...known.path(namedBy(name).name), ...known.derivation]);
  } catch {
    return null;
  }
}

export interface MarkedComment {
  readonly mark: string;
  readonly body: string;
}

const marked = (mark: string, text: string): MarkedComment => ({ mark, body: `${text}\n\n${mark}\n` });

/** @param other how the forge names the request that takes its place */
export const leftAloneComment = (reason: string, other: string): MarkedComment =>
  marked(
    `<!-- lockkeeper proposes ${other.slice(1)} -->`,
    `This branch ${words(reason, 500)}. Lockkeeper leaves it as it is, and proposes its update in ${other}.`,
  );

/** @param first how the forge names the request that stays */
export const twinComment = (first: string): MarkedComment =>
  marked(
    `<!-- lockkeeper keeps ${first.slice(1)} -->`,
    `Two runs have opened a request for the same branch at the same moment. Lockkeeper closes this one, and goes on in ${first}.`,
  );

/** @param other how the forge names the request that takes its place */
export const replacedComment = (other: string, part?: RequestPart): MarkedComment =>
  marked(
    `<!-- lockkeeper proposes ${other.slice(1)} -->`,
    `Lockkeeper does not propose this ${whatItIs(part)} again. Another one is in ${other}.`,
  );

/** @param other how the forge names the request of a newer update */
export const newerComment = (other: string): MarkedComment =>
  marked(
    `<!-- lockkeeper proposes ${other.slice(1)} -->`,
    `A newer update is in ${other}. Lockkeeper closes this request; its branch stays.`,
  );

/** Of a request whose update stays the same while main moves. */
export const verifiedAgainComment = (
  report: Report,
  mainBranch: string,
  commit: string,
  part?: RequestPart,
): MarkedComment =>
  marked(
    `<!-- lockkeeper verified ${commit} -->`,
    `${escapeMarkdown(mainBranch)} has moved${report.base === null ? '' : ` to ${report.base}`}. Lockkeeper has verified the same ${whatItIs(part)} on it, as commit ${commit}: ${escapeMarkdown(hitWords(report).join(', '))}.`,
  );

export const closingComment = (mainBranch: string, commit: string): MarkedComment =>
  marked(
    `<!-- lockkeeper closes ${commit} -->`,
    `Nothing is left to update: the inputs of ${escapeMarkdown(mainBranch)} are at their newest revisions. Lockkeeper closes this request; its branch stays.`,
  );

/** Of a request whose inputs need nothing more, while others may. */
export const doneComment = (mainBranch: string, commit: string, inputs: readonly string[]): MarkedComment =>
  marked(
    `<!-- lockkeeper closes ${commit} -->`,
    `Nothing is left to update: ${escapeMarkdown(nameList(inputs))} of ${escapeMarkdown(mainBranch)} ${inputs.length === 1 ? 'is at its newest revision' : 'are at their newest revisions'}. Lockkeeper closes this request; its branch stays.`,
  );

/** Of a request of inputs that nobody uses any more. */
export const goneComment = (mainBranch: string, commit: string, inputs: readonly string[]): MarkedComment =>
  marked(
    `<!-- lockkeeper closes ${commit} -->`,
    `${escapeMarkdown(mainBranch)} does not have ${escapeMarkdown(nameList(inputs))} as ${inputs.length === 1 ? 'an input' : 'inputs'} any more. Lockkeeper closes this request; its branch stays.`,
  );

/** @param other how the forge names the request that has the update now; `null`: inputs have some of their own */
export const elsewhereComment = (commit: string, other: string | null): MarkedComment =>
  marked(
    `<!-- lockkeeper closes ${commit} -->`,
    `${other === null ? 'Each input that moves gets a request of its own now' : `This update is in ${other} now`}. Lockkeeper closes this request; its branch stays.`,
  );
