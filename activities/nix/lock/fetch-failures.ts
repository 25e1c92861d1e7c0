import { oneLine } from '../../../model/text/one-line.js';
import { redactUrl, stripControl } from '../../../model/text/text.js';
import type { Finished } from '../../command/process.js';
import { atLeast, type NixVersion } from '../../../model/nix/version.js';
import { nixErrorMessage } from '../../../host/nix/error-message.js';

/**
 * What fetchers say in Nix's output when upstream did not answer. Nix then takes what its cache has of an earlier day, and ends
 * with exit status 0 and a warning: nobody was asked.
 */

export interface CachedAnswer {
  /** What could not be fetched; `null` where nothing says what it was. */
  readonly url: string | null;
  /** Why, in the words of the fetcher. */
  readonly reason: string;
}

const REASON_BYTES = 1000;

/** Branches of a Git remote, and which of them is its default one. */
const CACHED_GIT =
  /^warning: (?:could not update local clone of Git|could not get HEAD ref for) repository '([^']*)'; (?:continuing|using)/;
/** Tarballs, files, and what GitHub, GitLab and sourcehut say of a branch: the end of a warning that holds the server's words. */
const CACHED_FILE = '; using cached version';
const EXPIRED_FILE = /^warning: using expired version of (\S+)/;
const DOWNLOAD = /unable to download '([^']*)': (.*)/;

/** Nix 2.20 to 2.30 ignores the exit status of `git fetch`: only Git's own message tells of a failure. */
const ignoresGitStatus = (version: NixVersion): boolean => atLeast(version, 2, 20) && !atLeast(version, 2, 31);

/** Answers of a Nix command that ended well which came out of its cache because upstream gave none. */
export function cachedAnswers(stderr: string, version: NixVersion): readonly CachedAnswer[] {
  const lines = stripControl(stderr).split('\n');
  const answers: CachedAnswer[] = [];
  // Lines since the last answer: what was said on the way to the next one.
  let before: string[] = [];
  for (const line of lines) {
    const answer = cachedAnswer(line, before);
    if (answer === null) {
      before.push(line);
    } else {
      answers.push(answer);
      before = [];
    }
  }
  const silent = ignoresGitStatus(version) ? gitWords(lines) : null;
  return silent === null ? answers : [...answers, { url: null, reason: silent }];
}

function cachedAnswer(line: string, before: readonly string[]): CachedAnswer | null {
  const git = CACHED_GIT.exec(line);
  if (git !== null) return { url: git[1] ?? null, reason: gitWords(before) ?? reasonOf(line) };
  const expired = EXPIRED_FILE.exec(line);
  if (expired !== null) return { url: expired[1] ?? null, reason: reasonOf(line) };
  if (!line.endsWith(CACHED_FILE)) return null;
  const said = [...before, line];
  const start = said.findLastIndex((each) => each.startsWith('warning: ') && DOWNLOAD.test(each));
  return { url: DOWNLOAD.exec(said[start] ?? '')?.[1] ?? null, reason: downloadWords(said.slice(Math.max(start, 0))) };
}

/** Why a Nix command failed that had to fetch, in the words of the fetcher where one spoke. */
export function fetchFailure({ stderr }: Pick<Finished, 'stderr'>): string {
  const lines = stripControl(stderr).split('\n');
  const message = nixErrorMessage(stderr, REASON_BYTES);
  const git = gitWords(lines);
  if (git !== null) return git;
  const start = lines.findLastIndex((line) => DOWNLOAD.test(line));
  return start !== -1 && DOWNLOAD.test(message) ? downloadWords(lines.slice(start)) : message;
}

/** Whether what kept an input from being fetched may pass by itself within minutes. */
export const mayPass = (reason: string): boolean => PASSING.test(reason);

const PASSING = new RegExp(
  [
    "[Cc]ould(?:n't| not) (?:resolve|connect)|Failed to connect|name resolution|Name or service not known",
    'Connection (?:refused|timed out|reset|closed)|Network is unreachable|No route to host|hung up unexpectedly|early EOF',
    'Timeout was reached|Operation timed out|(?:HTTP error|returned error:) (?:429|5\\d\\d)',
  ].join('|'),
);

/** Git says this when something else has said why; what follows it is advice. */
const NO_CAUSE = /^fatal: (?:Could not read from remote repository\.|the remote end hung up unexpectedly)$/;
/** Lines of Git and ssh that do not report a problem. */
const NO_TROUBLE =
  /^(?:From |remote: (?:Enumerating|Counting|Compressing|Total|=*\s*$)|warning: |Warning: |unpacking |\s|\*|•|→)|^$/;

/** Why Git failed, from its last messages; `null` when it did not. */
function gitWords(lines: readonly string[]): string | null {
  const end = lines.findLastIndex((line) => line.startsWith('fatal: '));
  const fatal = lines[end];
  if (fatal === undefined) return null;
  if (!NO_CAUSE.test(fatal)) return reasonOf(fatal);
  const cause = lines.slice(0, end).findLast((line) => !NO_TROUBLE.test(line) && !NO_CAUSE.test(line));
  return reasonOf(cause ?? fatal);
}

/** A failed download in one line: the address, what happened, and of the server's answer its message. */
function downloadWords(lines: readonly string[]): string {
  const [, url = '', what = ''] = DOWNLOAD.exec(lines[0] ?? '') ?? [];
  const said = /"message":\s*"([^"\n]{1,300})/.exec(lines.join('\n'))?.[1];
  // Newer versions put it into the parentheses of another message.
  const why = what.replace(CACHED_FILE, '').replace(/(\(\d+\))\)$/, '$1');
  return reasonOf(`unable to download '${url}': ${why}${said === undefined ? '' : ` (${said})`}`);
}

const reasonOf = (text: string): string => oneLine(redactUrl(text.replace(/^warning: /, '')), REASON_BYTES);
