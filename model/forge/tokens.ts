import type { ForgeKind } from './kinds.js';

/** What a GitHub App has to be allowed to write; comments and labels are covered by the first. */
const NEEDED = ['pull_requests', 'statuses'] as const;

/** What is only needed by some runs, and what for, as the end of a sentence. */
const USEFUL = [
  ['contents', 'write', 'merge, and cannot see branches of a private repository'],
  ['checks', 'read', 'see checks of GitHub Actions that the main branch requires, which merge = "self" waits for'],
] as const;

/** What is missing in the permissions of an App: what no run can do without, and what only some need. @param granted its own */
export function missingPermissions(granted: Readonly<Record<string, unknown>>): {
  readonly needed: readonly string[];
  readonly useful: readonly string[];
} {
  const may = (name: string, level: 'read' | 'write'): boolean =>
    granted[name] === 'write' || granted[name] === 'admin' || granted[name] === level;
  return {
    needed: NEEDED.filter((each) => !may(each, 'write')),
    useful: USEFUL.filter(([name, level]) => !may(name, level)).map(
      ([name, level, what]) => `without the permission ${name} (${level}) it cannot ${what}`,
    ),
  };
}

/** What the token of an App's installation is asked for, as far as the App has it: reading the rules of a branch and merging are in it too. */
const WANTED = { pull_requests: 'write', statuses: 'write', contents: 'write', checks: 'read', administration: 'read' };

/** As much of that as an installation has. @param granted its own permissions */
export const appPermissions = (granted: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(WANTED).flatMap(([name, most]) => {
      const has = granted[name];
      if (has !== 'read' && has !== 'write' && has !== 'admin') return [];
      return [[name, has === 'read' ? has : most]];
    }),
  );

/** Advice about a CI job's token; `null` for others. @param ofJob what the environment holds as `CI_JOB_TOKEN` */
export function jobTokenWords(
  kind: ForgeKind,
  token: string,
  ofJob: string | null,
): { readonly words: string; readonly isRefused: boolean } | null {
  if (kind === 'gitlab' && (token.startsWith('glcbt-') || token === ofJob))
    return { words: 'is the token of a CI job, which may open no merge requests', isRefused: true };
  if (kind === 'github' && token.startsWith('ghs_'))
    return {
      words: 'is one that lasts an hour: of a CI job, whose pull requests start no CI, or of an App',
      isRefused: false,
    };
  return null;
}

/** What is missing in the scopes of a token; `null` when nothing is. */
export function scopeFault(kind: ForgeKind, scopes: readonly string[], isPublic: boolean): string | null {
  const has = (scope: string): boolean => scopes.includes(scope);
  const wanted = kind === 'gitlab' ? 'api' : 'repo';
  if (kind === 'gitea' || has(wanted) || (kind === 'github' && isPublic && has('public_repo'))) return null;
  const there = scopes.filter((each) => each !== '').join(', ');
  return `needs the scope ${wanted}, and has ${there === '' ? 'none' : there}`;
}

/** Whole days until a date that a forge gives, by a clock in milliseconds; `null` where it gives none. */
export function daysLeft(end: string | null, now: number): number | null {
  const time = Date.parse(end?.slice(0, 10) ?? '');
  return Number.isNaN(time) ? null : Math.floor((time - now) / 86_400_000);
}
