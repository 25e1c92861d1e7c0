import type { FailureType } from '../../model/run/failures.js';
import { gitFault } from '../../model/git/words.js';

type Reason =
  'unsigned' | 'identity' | 'workflows' | 'write-access' | 'checked-out' | 'storage' | 'transaction' | 'rule';

/**
 * What servers say of commits that they received and do not take: Git's own hooks, the rules of GitHub, GitLab, Gitea,
 * Forgejo, Azure DevOps, Bitbucket and Gerrit, and gitolite. Whatever is not known is a rule of the server's own.
 */
const REASONS: readonly (readonly [Reason, RegExp])[] = [
  [
    'unsigned',
    /verified signature|must be signed|signed commits?\b|unverified commit|not (?:been )?signed|signature (?:is )?required|require[sd]? (?:a )?(?:verified )?signature/i,
  ],
  [
    'identity',
    /\b(?:committer|author)(?:'s)? (?:e-?mail|name|identity)\b|\bcannot push commits for\b|invalid (?:committer|author)|e-?mail address .* is not registered/i,
  ],
  ['workflows', /refusing to allow|without `?workflows?`? (?:scope|permission)/i],
  [
    'write-access',
    /permission denied for writing|not have write access|write access .*not granted|not allowed to push code to this project|genericcontribute|deploy key .*(?:read[- ]only|cannot|not allowed)|marked as read[- ]only|archived|read-only gitlab|denied by fallthru/i,
  ],
  ['checked-out', /branch is currently checked out|denyCurrentBranch/i],
  ['transaction', /ref updates aborted|aborted by the reference-transaction hook/i],
  [
    'storage',
    /unable to create temporary object|insufficient permission for adding|unpacker error|no space left|disk quota/i,
  ],
];

/** Before anything was received. */
const TURNED_AWAY =
  /\b403\b|denied|not permitted|not allowed to|read[- ]only|unauthorized|archived|authentication failed|could not read (?:username|password)|write access/i;
const RULE = /protected branch|pull request|merge request/i;

interface Refusal {
  readonly type: FailureType;
  /** Sentences, without the last full stop. */
  readonly way: string;
}

/**
 * Why a remote took no push, as far as it is a refusal, and the way out.
 * @param said the remote's words, and what Git says became of the branch
 * @param received whether the remote received the commits, and said no then
 * @param isMain whether it was main that should have moved, and not an update branch
 * @returns `null` when nobody refused anything: the remote was not reached, or is none
 */
export function pushRefusal(said: string, received: boolean, isMain: boolean): Refusal | null {
  const fault = gitFault(said);
  if (received || fault === 'transaction' || (RULE.test(said) && TURNED_AWAY.test(said)))
    return WAYS[REASONS.find(([, words]) => words.test(said))?.[0] ?? 'rule'](isMain);
  const turnedAway = (fault === 'access' || fault === 'unknown') && TURNED_AWAY.test(said);
  return turnedAway ? WAYS['write-access'](isMain) : null;
}

const rejected = (way: string): Refusal => ({ type: 'PushRejected', way });
const readOnly = (way: string): Refusal => ({ type: 'RemoteReadOnly', way });

const OWN_BRANCH = 'land on a branch of its own (--land branch), and open a pull request from it';
const OTHER_NAME = 'choose a name that it takes (--branch-prefix, for pull requests --branch)';

const WAYS: Record<Reason, (isMain: boolean) => Refusal> = {
  rule: (isMain) => rejected(`Let its rules admit the worker's account, or ${isMain ? OWN_BRANCH : OTHER_NAME}`),
  unsigned: (isMain) =>
    rejected(
      'It wants signed commits that it can verify. Sign them with --signing-key-file and let the forge know the public key, or let ' +
        `its rules admit unsigned commits of the worker’s account${isMain ? ', or land on a branch (--land branch) and let the forge squash it, which signs the result' : ' on update branches'}`,
    ),
  identity: () =>
    rejected('Its rules restrict authors and committers: set accepted ones with --author and --committer'),
  'checked-out': (isMain) =>
    rejected(
      `The branch is checked out there. Push to a bare repository${isMain ? ', or land on a branch (--land branch)' : ''}`,
    ),
  transaction: (isMain) =>
    rejected(
      `A reference-transaction hook there refuses it. Ask the administrator of that repository, or ${isMain ? OWN_BRANCH : OTHER_NAME}`,
    ),
  'write-access': () =>
    readOnly(
      'Give it write access (--ssh-key-file or --https-token-file name other credentials), or run with --land none',
    ),
  workflows: () => readOnly('Give its token the permission to change workflows'),
  storage: () => readOnly('The storage there takes no objects: see to its permissions and its free space'),
};
