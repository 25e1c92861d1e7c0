import path from 'node:path';
import { pushAddresses, readRemotes, REMOTE_ADDRESSES } from '../../model/git/remotes.js';
import { oneLine } from '../../model/text/one-line.js';
import type { Repository } from '../../model/run/options.js';
import { redactUrl, stripControl, tail } from '../../model/text/text.js';
import { isDirectory, openPersonsGit, type Git } from './git.js';
import { hasCommit } from './mirror.js';

/** What is listed of commits or files before the rest is only counted. */
const LISTED = 5;
const LINE_BYTES = 160;

function listing(what: string, lines: readonly string[], count = lines.length): string {
  const listed = lines
    .slice(0, LISTED)
    .map((line) => oneLine(line, LINE_BYTES))
    .join('; ');
  return `${what}: ${listed}${count > LISTED ? `; and ${count - LISTED} more` : ''}`;
}

/** Commits of the checkout's main branch that the run's base does not have. */
async function unpushed(git: Git, branch: string, base: string): Promise<string | null> {
  const main = `refs/heads/${branch}`;
  if ((await git.attempt(['rev-parse', '--verify', '--quiet', main])).exitCode !== 0) return null;
  // A base that the owner has not fetched yet is after what the remote's branches were at the last fetch.
  const known = (await hasCommit(git, base)) ? [`^${base}`] : ['--not', '--remotes'];
  const count = Number(await git.run(['rev-list', '--count', main, ...known]));
  if (count === 0) return null;
  const log = await git.run(['rev-list', `--max-count=${LISTED}`, '--format=%s', main, ...known]);
  const what = count === 1 ? `1 unpushed commit of ${branch}` : `${count} unpushed commits of ${branch}`;
  // Two lines for each: `commit HASH`, and what was asked for.
  const lines = [...log.matchAll(/^commit ([0-9a-f]{7}).*\n(.*)$/gm)].map(
    ([, hash = '', subject = '']) => `${hash} ${subject}`,
  );
  return listing(what, lines, count);
}

/** Files of `git status --porcelain -z`: two letters, a space and the path; a rename has its old path behind it. */
function changedFiles(status: string): string[] {
  const files: string[] = [];
  const entries = status.split('\0').values();
  for (const entry of entries) {
    if (entry === '') continue;
    files.push(entry.slice(3));
    if (/^(?:[RC]|.[RC])/.test(entry)) entries.next();
  }
  return files;
}

async function uncommitted(git: Git): Promise<string | null> {
  const status = await git.run(
    ['status', '--porcelain=v1', '-z', '--untracked-files=normal', '--ignore-submodules=none'],
    {
      // Without it, looking would write the owner's index.
      env: { GIT_OPTIONAL_LOCKS: '0' },
    },
  );
  const files = changedFiles(status);
  if (files.length === 0) return null;
  return listing(files.length === 1 ? '1 uncommitted file' : `${files.length} uncommitted files`, files);
}

/** Push addresses of the remote that a run does not push to: the owner's own `git push` does. */
async function otherAddresses(git: Git, repository: Repository): Promise<string | null> {
  const listed = await git.attempt(['config', '--null', '--get-regexp', REMOTE_ADDRESSES]);
  for (const [name, addresses] of readRemotes(listed.stdout)) {
    const [first = '', ...others] = pushAddresses(addresses);
    if (others.length === 0 || ![first, path.resolve(git.directory, first)].includes(repository.url)) continue;
    const what = others.length === 1 ? `1 more push address` : `${others.length} more push addresses`;
    return listing(`${what} of the remote ${name}`, others.map(redactUrl));
  }
  return null;
}

/**
 * What the owner's checkout has that a run does not see, in sentences for people. Only reads; a checkout that cannot be
 * read (another machine's, or gone) does not make it fail.
 * @param base the commit of main that the run is about; `null`: it is about another one, and pushes nothing
 */
export async function leftOut(repository: Repository, base: string | null): Promise<string[]> {
  const checkout = repository.checkout ?? (repository.local ? repository.url : null);
  if (checkout === null || !(await isDirectory(checkout))) return [];
  const git = openPersonsGit(checkout);
  if ((await git.attempt(['rev-parse', '--is-inside-work-tree'])).stdout.trim() !== 'true') return [];
  try {
    const found = await Promise.all([
      base === null || repository.local ? null : unpushed(git, repository.mainBranch, base),
      uncommitted(git),
      base === null || repository.local ? null : otherAddresses(git, repository),
    ]);
    return found.filter((text) => text !== null);
  } catch (error) {
    const said = error instanceof Error ? tail(stripControl(error.message), { lines: 3, bytes: 500 }) : '';
    return [`Could not look for unpushed commits and uncommitted files: ${said}`];
  }
}
