import type { MovedInput } from '../verify/candidate.js';
import { oneLine } from '../text/one-line.js';
import { isNestedOnly, movementWords, nestedOf } from '../report/input-words.js';
import { reportedInput } from '../report/data.js';
import type { GuardRules } from '../run/options.js';
import { codeBlock } from '../report/markdown-parts.js';
import { tail } from '../text/text.js';
import { targetKinds, taskOf } from '../targets/index.js';
import { LOG_TAIL_BYTES, LOG_TAIL_LINES, type Verdict } from '../verify/verdict.js';
import type { PastAttempt } from './attempt.js';

interface PromptInput {
  readonly broken: Verdict;
  readonly moved: readonly MovedInput[];
  readonly earlier: readonly PastAttempt[];
  readonly rules: GuardRules;
  /** Folder of `flake.nix`; `''` is the root. */
  readonly dir: string;
}

/** Inputs that are listed before the rest is only counted. */
const INPUTS_LISTED = 40;
const NESTED_LISTED = 5;
/** The newest ones: a prompt may be one argument, of at most 128 KiB. */
const EARLIER_TOLD = 4;
const EARLIER_LOG_BYTES = 4 * 1024;

/** What an agent is asked, in Markdown. Text from builds and from earlier attempts stands in fences, as what was said and not as what is asked. */
export function agentPrompt({ broken, moved, earlier, rules, dir }: PromptInput): string {
  const flake = `the flake in ${dir === '' ? 'this repository' : `the folder ${oneLine(dir)}`}`;
  const parts = [
    ...taskOf(broken.target, flake),
    `## What the update moved\n\n${movedLines(moved)}`,
    `## What broke\n\n${brokenLines(broken)}`,
    ...earlier.slice(-EARLIER_TOLD).map(earlierLines),
    `## Rules\n\n${ruleLines(rules, targetKinds[broken.target.kind].noun)}`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function movedLines(moved: readonly MovedInput[]): string {
  const page = (url: string | null): string => (url === null ? '' : `, ${oneLine(url, 500)}`);
  const lines = moved.slice(0, INPUTS_LISTED).map((each) => {
    const input = reportedInput(each);
    const nested = isNestedOnly(input) ? nestedOf(input, NESTED_LISTED).shown : [];
    return [
      `- ${oneLine(input.name, 120)}: ${movementWords(input)}${page(input.compareUrl)}`,
      ...nested.map(({ path, movement, compareUrl }) => `  - ${path}: ${movement}${page(compareUrl)}`),
    ].join('\n');
  });
  return [...lines, ...(moved.length > lines.length ? [`- and ${moved.length - lines.length} more`] : [])].join('\n');
}

function brokenLines({ target, verdict, error, failedDrv, logTail }: Verdict): string {
  return [
    targetKinds[target.kind].complaint(verdict),
    error === null ? '' : `Error: ${oneLine(error, 2000)}`,
    failedDrv === null ? '' : `Failing derivation: ${oneLine(failedDrv, 500)}`,
    logTail === null ? '' : `The end of its log:\n\n${fenced(logTail, LOG_TAIL_BYTES)}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function earlierLines({ number, reason, patch, logTail }: PastAttempt): string {
  return [
    `## Attempt ${number}, which did not do`,
    oneLine(reason ?? 'The target is still broken.', 2000),
    patch === '' ? 'It left no change.' : `It changed:\n\n${fenced(patch, LOG_TAIL_BYTES)}`,
    logTail === null ? '' : `With that change the log ended so:\n\n${fenced(logTail, EARLIER_LOG_BYTES)}`,
    'Its change is not in the folder any more.',
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

const ruleLines = (rules: GuardRules, noun: string): string =>
  [
    '- Read the AGENTS.md files of the repository first: what they say binds you.',
    '- Work in this folder alone. It has no remote: commit or not, as you like; what the folder holds in the end is what counts.',
    '- Leave flake.lock as it is, and the inputs and the nixConfig in flake.nix too.',
    `- Do not touch these paths, written as in .gitignore: ${rules.protected.map((pattern) => oneLine(pattern, 200)).join(', ')}.`,
    '- Add no submodule, no binary file, and no link that leaves the repository. Leave nothing behind that is not part of the change.',
    `- Change at most ${rules.maxFiles} files and ${rules.maxLines} lines.`,
    `- Do not fix it by removing the ${noun}, a service or a check from the configuration.`,
    `- You need not build the whole ${noun}: that is done when you are through.`,
  ].join('\n');

/** The end of an outside text as a code block that it cannot end itself. */
const fenced = (text: string, bytes: number): string => codeBlock(tail(text, { lines: LOG_TAIL_LINES, bytes }));
