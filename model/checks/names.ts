import { pathPatternFault } from './path-pattern.js';
import { branchNameFault } from '../git/branch-name.js';
import { isSourcePattern } from './source-pattern.js';
import type { Person } from '../git/person.js';
import { truncate } from '../text/text.js';

/**
 * Checks of what a person typed, made once where input is read. Each gives the checked value back, or throws `BadInput`.
 * What passes is safe as an argument of a command, as a part of a path or a ref, and in a line of text.
 */

/** A value that cannot be used. The message is complete: what was given, for which field, and what to give instead. */
export class BadInput extends Error {
  override readonly name = 'BadInput';

  /** @param wayOut what is wrong and what to write instead, as the end of a sentence */
  constructor(
    readonly field: string,
    readonly value: string,
    wayOut: string,
  ) {
    super(`${field} ${quoteValue(value)} ${wayOut}`);
  }
}

const SHOWN_BYTES = 120;
const NAME_LENGTH = 200;

/** A value in double quotes as JSON writes it, with everything spelled out that a terminal would not show as itself. */
function quoteValue(value: string): string {
  const spelled = JSON.stringify(value).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
  return truncate(spelled, SHOWN_BYTES);
}

/** Refuses with the rule when the value doesn't match; a value that is too long, or has `..` in it, is refused as well. */
function checkName(field: string, value: string, rule: RegExp, description: string): string {
  if (value === '') throw new BadInput(field, value, `is empty: ${description}.`);
  if (value.length > NAME_LENGTH) {
    throw new BadInput(field, value, `is longer than ${NAME_LENGTH} characters: ${description}.`);
  }
  if (!rule.test(value) || value.includes('..')) throw new BadInput(field, value, `is refused: ${description}.`);
  return value;
}

/** Name of an attribute of `nixosConfigurations`; dots and `@` are common in them (`web@1.example`). */
export const checkHostName = (value: string, field: string): string =>
  checkName(
    field,
    value,
    /^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$/,
    'a host name holds letters, digits, "_", "-", "+", "." and "@", starts with a letter, digit or "_" and has no ".."',
  );

/** Name of a package, as store paths have it: `postgresql`, `gtk+3`. */
export const checkPackageName = (value: string, field: string): string =>
  checkName(
    field,
    value,
    /^[0-9A-Za-z+._?=-]+$/,
    'a package name holds letters, digits, "+", "-", ".", "_", "?" and "=", without its version',
  );

/** Name of a root input as in `flake.nix`. */
export const checkInputName = (value: string, field: string): string =>
  checkName(
    field,
    value,
    /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/,
    'give the name of an input of flake.nix itself, such as nixpkgs: letters, digits, "_", "-" and ".", ' +
      'starting with a letter, digit or "_", without ".."',
  );

/** Name of a branch, without `refs/heads/`. */
export function checkBranchName(value: string, field: string): string {
  const fault = branchNameFault(value);
  if (fault !== null) throw new BadInput(field, value, `is not a usable branch name: ${fault}; give one such as main.`);
  return value;
}

export function checkLabel(value: string, field: string): string {
  if (/^[^\p{Cc}\p{Cf},]{1,50}$/u.test(value) && value.trim() === value) return value;
  throw new BadInput(field, value, 'is not a label: give 1 to 50 characters on one line, without commas.');
}

/** Account of a forge, or where teams are meant too, one as `ORGANIZATION/TEAM`. */
export function checkAccount(value: string, field: string): string {
  if (ACCOUNT.test(value)) return value;
  throw new BadInput(field, value, 'is not an account of a forge: give its name, such as ann, without "@".');
}
const ACCOUNT = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/;

export function checkReviewer(value: string, field: string): string {
  const parts = value.split('/');
  if (parts.length <= 2 && parts.every((part) => ACCOUNT.test(part))) return value;
  throw new BadInput(
    field,
    value,
    'is not an account or team: give one such as ann or ORGANIZATION/TEAM, without "@".',
  );
}

/** Beginning of the update branch's name: with a date after it, it must be a branch name. */
export function checkBranchPrefix(value: string, field: string): string {
  const fault = value === '' ? 'it is empty' : branchNameFault(`${value}20261121-093015`);
  if (fault !== null) {
    throw new BadInput(field, value, `does not begin a usable branch name: ${fault}; give one such as flake-update-.`);
  }
  return value;
}

/** Source of a regular expression for whole names; see `wholeNameExpression`. */
export function checkRegExp(value: string, field: string): string {
  if (value === '') throw new BadInput(field, value, 'matches no host: remove it, or give one such as ".*-minimal".');
  if (value.length > NAME_LENGTH) {
    throw new BadInput(field, value, `is longer than ${NAME_LENGTH} characters: give a shorter pattern.`);
  }
  try {
    // By itself first: `a)|(b` would be accepted between the parentheses that are put around it.
    new RegExp(value, 'u');
    wholeNameExpression(value);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^.*: /s, '') : 'it cannot be read';
    throw new BadInput(field, value, `is not a regular expression (${reason}): give one such as ".*-minimal".`);
  }
  return value;
}

/** An exclude pattern as it is used: it speaks of whole names. */
export const wholeNameExpression = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`, 'u');

/** Absolute path of a file that Nix includes: its parser splits lines at white space, and takes `#` for a comment. */
export function checkIncludedFile(value: string, field: string): string {
  if (/^\/[^\s#\p{Cc}]+$/u.test(value)) return value;
  throw new BadInput(field, value, 'cannot be read by Nix: give an absolute path without spaces and "#".');
}

export function checkSource(value: string, field: string): string {
  if (value.length <= 1000 && isSourcePattern(value)) return value;
  throw new BadInput(
    field,
    value,
    'is not a source: give a host (git.example.org, or *.example.org), a folder (path:/srv/flakes), or an address without ' +
      'revision and query (git+ssh://git.example.org/team).',
  );
}

/** Whether the value of a setting of Nix is a secret: arguments and histories are no place for it. */
export const isSecretSetting = (name: string): boolean => /^(?:extra-)?access-tokens$/.test(name);

/** One `--nix-option NAME VALUE`. */
export function checkNixOption(name: string, value: string, field: string): readonly [name: string, value: string] {
  if (!/^[a-z][a-z0-9-]{0,80}$/.test(name)) {
    throw new BadInput(
      field,
      name,
      'is not a name of a Nix setting: give one such as max-jobs, followed by its value.',
    );
  }
  if (isSecretSetting(name)) {
    throw new BadInput(
      field,
      name,
      'would put secrets into arguments and histories: write the setting into a file that nix.conf includes ("!include FILE").',
    );
  }
  if (/\p{Cc}/u.test(value) || value.length > 4096) {
    throw new BadInput(
      `${field} ${name}`,
      value,
      'is refused: a value is one line of at most 4096 characters without control characters.',
    );
  }
  if (/:\/\/[^/?#\s]*:[^/?#\s]*@/.test(value)) {
    throw new BadInput(
      `${field} ${name}`,
      value.replace(/:\/\/[^/?#\s]*@/g, '://…@'),
      'holds a password: take it out of the URL and name a file with the setting netrc-file.',
    );
  }
  return [name, value];
}

/** `Name <email>`, as Git writes a person. */
export function checkPerson(value: string, field: string): Person {
  const match = /^\s*([^<>\p{Cc}]*[\p{L}\p{N}][^<>\p{Cc}]*?)\s*<([^<>\s\p{Cc}@]+@[^<>\s\p{Cc}@]+)>\s*$/u.exec(value);
  const [, name, email] = match ?? [];
  if (name === undefined || email === undefined || value.length > NAME_LENGTH || /[\n\r]/.test(value)) {
    throw new BadInput(field, value, 'is not a person as Git writes one: give "Name <email>", on one line.');
  }
  return { name, email };
}

/** Topic of an ntfy server: the server's own rule. */
export const checkNtfyTopic = (value: string, field: string): string =>
  checkName(field, value, /^[A-Za-z0-9_-]{1,64}$/, 'a topic has 1 to 64 letters, digits, "_" and "-"');

/** Whether what is sent to a web address travels encrypted, or does not leave this machine. */
export function keepsSecrets(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/** Address of an HTTP server, without slashes at its end. */
export function checkServerUrl(value: string, field: string): string {
  const example = 'give an address such as https://ntfy.example.org';
  if (!URL.canParse(value) || /[\s\p{Cc}\\]/u.test(value))
    throw new BadInput(field, value, `is not a URL: ${example}.`);
  const url = new URL(value);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new BadInput(field, value, `is not an http or https address: ${example}.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new BadInput(field, `${url.protocol}//…@${url.host}`, 'holds a name or password: name a token file instead.');
  }
  if (url.search !== '' || url.hash !== '') {
    throw new BadInput(field, `${url.origin}${url.pathname}`, `has something after "?" or "#": ${example}.`);
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** Name of an account of the machine, as useradd(8) takes it. */
export function checkAccountName(value: string, field: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_.-]{0,30}$/.test(value))
    throw new BadInput(field, value, 'is not a valid account name: write one such as lockkeeper.');
  return value;
}

/** Command of an agent: a name to be found on the PATH, or an absolute path. */
export function checkAgentCommand(value: string, field: string): string {
  if (!/^(?!-)[^/\p{Cc}]+$|^\/[^\p{Cc}]+$/u.test(value) || value.length > 4096) {
    throw new BadInput(
      field,
      value,
      'is not a command: give one that is on the PATH of the worker, or an absolute path.',
    );
  }
  if (/^[^/]*\s/.test(value)) {
    throw new BadInput(
      field,
      value,
      'holds arguments: name the command alone, and give them by autoFix.extraArgs or --autofix-arg.',
    );
  }
  return value;
}

export function checkAgentArgument(value: string, field: string): string {
  if (/[^\P{Cc}\n\t]/u.test(value) || value.length > 16_384) {
    throw new BadInput(field, value, 'is refused: an argument has at most 16384 characters and no control characters.');
  }
  return value;
}

/** Path below a home that an agent may read in its own. */
export function checkHomePath(value: string, field: string): string {
  if (!/^(?![~/])[^\p{Cc}]+$/u.test(value) || value.split('/').some((part) => /^\.{0,2}$/.test(part))) {
    throw new BadInput(
      field,
      value,
      'is not a path below the home of the worker’s user: give one such as .config/agent.',
    );
  }
  return value;
}

/** Pattern of paths that an agent may not touch, a line of a .gitignore; see `protectedBy`. */
export function checkPathPattern(value: string, field: string): string {
  const fault = pathPatternFault(value);
  if (fault !== null) throw new BadInput(field, value, fault);
  return value;
}

/** Patterns of which each one can be used: a list that only takes back would protect nothing. */
export function checkPathPatterns(values: readonly string[], field: string): readonly string[] {
  const [first] = values;
  if (first?.startsWith('!') === true) {
    throw new BadInput(field, first, 'takes back what a pattern before it protects: put that pattern before it.');
  }
  return values;
}

export function checkDay(value: string, field: string): string {
  const day = new Date(`${value}T00:00:00Z`);
  if (/^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value)) {
    return value;
  }
  throw new BadInput(field, value, 'is not a date: write one such as 2026-12-31.');
}
