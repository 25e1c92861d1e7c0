import ignore from 'ignore';
import { oneLine } from '../text/one-line.js';
import { plural } from '../report/words.js';
import type { GuardRules } from '../run/options.js';

/** One path that differs between a candidate and what an agent left. */
export interface ChangedFile {
  /** From the root of the repository. */
  readonly path: string;
  /** Its mode before, `000000` when it is new. */
  readonly was: string;
  /** Mode as Git writes it, `000000` when the file is gone: `100644`, `100755`, `120000` is a link, `160000` a repository. */
  readonly mode: string;
  /** Where a link leads to; `null` for everything else. */
  readonly link: string | null;
  /** Lines that came and went; `null` for a binary file. */
  readonly lines: number | null;
}

/** All that the guard looks at; what needs Nix or Git to find out is found out before. */
export interface ProposedChange {
  readonly files: readonly ChangedFile[];
  /** The file that holds the lock, from the root of the repository: where `flake.lock` leads if it is a link. */
  readonly lock: string;
  /** Of `flake.nix`, `flake.lock`, the folders above them and links on the way, those that are something else now. */
  readonly otherKind: readonly string[];
  /** Whether `flake.nix` declares other inputs or another `nixConfig`, or cannot be read as data any more. */
  readonly flake: 'same' | 'changed' | 'unreadable';
  /** Files that hold a value of the agent's variables. */
  readonly secretsIn: readonly string[];
}

const LOCK = /(?:^|\/)flake\.lock$/;
const REPOSITORY = '160000';
const LINK = '120000';
const NAMED = 3;

/** Control characters, and what stands for bytes that are no UTF-8. */
const UNSHOWN = /[\p{Cc}\ufffd]/u;

/** Why an agent's change is not tried, as a sentence without its subject; `null` when it may be. */
export function refusal(
  { files, lock, otherKind, flake, secretsIn }: ProposedChange,
  rules: GuardRules,
): string | null {
  const those = (wanted: (file: ChangedFile) => boolean): string => named(files.filter(wanted).map(({ path }) => path));
  const lines = files.reduce((sum, file) => sum + (file.lines ?? 0), 0);
  const faults: readonly (readonly [boolean | string, (found: string) => string])[] = [
    [files.length === 0, () => 'changes nothing'],
    [
      those(({ path }) => path === lock || LOCK.test(path)),
      (found) => `touches ${found}, which is what is being verified`,
    ],
    [named(otherKind), (found) => `changes the mode or the kind of ${found}, where Nix would read something else then`],
    [protectedOnes(files, rules), (found) => `touches ${found}`],
    [those(({ path }) => UNSHOWN.test(path)), (found) => `holds a file whose name cannot be shown: ${found}`],
    [those(({ mode }) => mode === REPOSITORY), (found) => `holds a Git repository of its own: ${found}`],
    [those(leavesTree), (found) => `holds a link that leaves the repository: ${found}`],
    [those(({ lines: some }) => some === null), (found) => `holds a binary file, which nobody can review: ${found}`],
    [named(secretsIn), (found) => `writes a value of the variables that the agent was given: ${found}`],
    [flake === 'unreadable', () => 'leaves a flake.nix whose inputs cannot be read'],
    [flake === 'changed', () => 'changes the inputs or the nixConfig in flake.nix, which the lock has to fit'],
    [
      files.length > rules.maxFiles,
      () => `changes ${plural(files.length, 'file')}, and ${rules.maxFiles} are the limit`,
    ],
    [lines > rules.maxLines, () => `changes ${plural(lines, 'line')}, and ${rules.maxLines} are the limit`],
  ];
  const fault = faults.find(([found]) => found !== false && found !== '');
  return fault === undefined ? null : fault[1](String(fault[0]));
}

/** Protected paths that are touched, each with the pattern that protects it. */
function protectedOnes(files: readonly ChangedFile[], rules: GuardRules): string {
  const patterns = protectedBy(rules.protected);
  const found = files.flatMap(({ path }) => {
    const pattern = patterns(path);
    return pattern === null ? [] : [`${path} (protected by ${pattern})`];
  });
  return named(found);
}

/**
 * Reads patterns as the lines of a `.gitignore` at the root of the repository, on a file system without upper and lower case.
 * @returns a function that gives the pattern which protects a file, `null` for a file that none protects
 */
export function protectedBy(patterns: readonly string[]): (path: string) => string | null {
  const rules = ignore({ ignorecase: true }).add(patterns);
  return (path) => rules.test(path).rule?.pattern ?? null;
}

/** The first of some paths, as one line for people. */
export const named = (paths: readonly string[]): string =>
  paths
    .slice(0, NAMED)
    .map((text) => oneLine(text, 200))
    .join(', ');

/**
 * Of some files and the folders above them, those whose mode a change alters, and links that lead elsewhere: a link in the
 * place of a file, a file in the place of a folder. Nix reads what a link leads to, and not the text that Git keeps of it.
 * @param kept paths from the root of the repository
 */
export function otherKind(files: readonly ChangedFile[], kept: readonly string[]): readonly string[] {
  const places = new Set(
    kept.flatMap((file) => file.split('/').map((_, depth, parts) => parts.slice(0, depth + 1).join('/'))),
  );
  return files
    .filter(({ path, was, mode }) => places.has(path) && (was !== mode || mode === LINK))
    .map(({ path }) => path);
}

/** Whether a file is a link that leads out of the repository: to an absolute path, or above the root. */
function leavesTree({ path, link }: ChangedFile): boolean {
  if (link === null) return false;
  if (link.startsWith('/')) return true;
  let depth = path.split('/').length - 1;
  for (const part of link.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}
