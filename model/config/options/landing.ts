import {
  checkAccount,
  checkBranchName,
  checkBranchPrefix,
  checkLabel,
  checkPerson,
  checkReviewer,
} from '../../checks/names.js';
import { MERGE_METHODS, MERGERS, type MergeMethod, type Merger } from '../../forge/merging.js';
import { SIGNING_FORMATS, type SigningFormat } from '../../git/signing.js';
import { waysOfLanding } from '../../landing/index.js';
import { LOCKKEEPER } from '../../run/defaults.js';
import { LANDING_MODES, type LandingMode, type RunOptions } from '../../run/options.js';
import { checkTimeZone } from '../checks.js';
import { flag, line, listOf, maybe, oneOf, secretFile, span, text } from '../kinds.js';
import { option, type Values } from './types.js';

const person = text('"Name <email>"', (value, field) => {
  checkPerson(value, field);
  return value;
});

export const landing = {
  land: option<LandingMode>(
    oneOf(LANDING_MODES),
    'branch',
    '"merge"',
    'how an update that builds lands: `branch` pushes a branch with the date in its name, `merge` fast-forwards the main branch, `pull-request` opens or refreshes a [pull request](pull-requests.md), `none` pushes nothing',
    {
      flag: '--land <mode>',
      help: 'how an update that builds lands: `branch` pushes a branch with the date in its name, `merge` fast-forwards the main branch, `pull-request` opens or refreshes a pull request, `none` pushes nothing',
    },
  ),
  autoMerge: option(flag, false, 'true', 'the same as `land = "merge"`'),
  dryRun: option(flag, false, 'true', 'the same as `land = "none"`, also with `autoMerge`', {
    flag: '--dry-run',
    help: 'verify, but push nothing: the same as `--land none`',
  }),
  branchPrefix: option(
    text('the beginning of a branch', checkBranchPrefix),
    'flake-update-',
    '"bot/update-"',
    'name of the update branch, before the date; of the branch of a pull request only with `perRun`',
    { flag: '--branch-prefix <text>' },
  ),
  branch: option(
    text('a branch', checkBranchName),
    'bot/flake-update',
    '"bot/nightly-update"',
    'branch of the pull request; each update replaces the one before. With `perInput` the name of an input follows it',
    {
      flag: '--branch <name>',
      help: 'branch of the pull request; each update replaces the one before. With `--per-input` the name of an input follows it',
    },
  ),
  perInput: option(
    flag,
    false,
    'true',
    'one pull request for [each input](pull-requests.md#a-request-for-each-input), verified by itself, in place of one for all; inputs of one of the `inputGroups` share one. People merge them: `merge` must be `never`',
    { flag: '--per-input', help: 'one pull request for each input, verified by itself, in place of one for all' },
  ),
  perRun: option(
    flag,
    false,
    'true',
    'a new pull request for each update, on a branch of its own, in place of one that is refreshed: `branchPrefix` (which has to end with `-`), date and time name it. The request before is closed, unless it has commits of others',
    {
      flag: '--per-run',
      help: 'a new pull request for each update, on a branch named after `--branch-prefix`, in place of one that is refreshed',
    },
  ),
  labels: option(
    listOf(text('a label', checkLabel), 'labels'),
    [],
    '["dependencies"]',
    'labels of a new pull request, also of its organization or group; missing ones are created on the forge',
    { flag: '--label <name>' },
  ),
  assignees: option(
    listOf(text('an account', checkAccount), 'accounts'),
    [],
    '["ann"]',
    'accounts that a new pull request is assigned to',
    { flag: '--assignee <account>' },
  ),
  reviewers: option(
    listOf(text('an account or team', checkReviewer), 'accounts and teams'),
    [],
    '["ann", "club/night-shift"]',
    'accounts that are asked to review a new pull request, and teams as `ORGANIZATION/TEAM` where the forge has them',
    { flag: '--reviewer <account>' },
  ),
  milestone: option(maybe(line), null, '"26.11"', 'open milestone of a new pull request, by its title', {
    flag: '--milestone <title>',
  }),
  draft: option(
    flag,
    false,
    'true',
    'open pull requests as drafts, which nobody can merge before a person has marked them as ready',
    {
      flag: '--draft',
    },
  ),
  openWithoutChange: option(
    flag,
    false,
    'true',
    'also open a pull request for an update that changes no closure; one that is open is always refreshed',
    { flag: '--open-without-change' },
  ),
  merge: option<Merger>(
    oneOf(MERGERS),
    'never',
    '"self"',
    'merge the pull request when all requirements of the main branch are met: `self`: by Lockkeeper, `forge`: by the forge; `never`: leave it to a person',
    { flag: '--merge <by>' },
  ),
  mergeMethod: option<MergeMethod | null>(
    maybe(oneOf(MERGE_METHODS)),
    null,
    '"squash"',
    'how it is merged: `fast-forward`, `merge`, `rebase` or `squash` (default: `fast-forward` if the repository allows it, else the default of the repository)',
    { flag: '--merge-method <method>' },
  ),
  mergeWaitSec: option(
    span(1),
    3600,
    '"4h"',
    'how long a run waits for these requirements; then it ends, and the request stays open for the next run',
    { flag: '--merge-wait <span>' },
  ),
  removeOldBranches: option(
    flag,
    false,
    'true',
    'after landing as a branch, remove older update branches of this instance that contain nothing else and that nobody else has changed',
    {
      flag: '--remove-old-branches',
      help: 'after landing as a branch, remove older update branches that contain nothing else',
    },
  ),
  timeZone: option(
    maybe(text('a time zone', checkTimeZone)),
    null,
    '"Europe/Berlin"',
    'time zone of `schedule` where it names none, and of the date in the update branch (default: that of the machine that applies the configuration)',
    { flag: '--time-zone <zone>', help: "time zone of the date in the update branch (default: this machine's)" },
  ),
  author: option(
    maybe(person),
    null,
    '"Bot <bot@example.org>"',
    'author of the commits (default: `"Lockkeeper <lockkeeper@localhost>"`)',
    { flag: '--author <person>' },
  ),
  committer: option(maybe(person), null, '"Bot <bot@example.org>"', 'committer of the commits (default: the author)', {
    flag: '--committer <person>',
  }),
  signing: {
    doc: 'Signing the commits of updates and fixes, before they are verified.',
    options: {
      keyFile: option(
        maybe(secretFile),
        null,
        '"/run/secrets/signing-key"',
        'private key that signs the commits, without a passphrase; it is checked before the run begins',
        { flag: '--signing-key-file <file>' },
      ),
      format: option<SigningFormat>(
        oneOf(SIGNING_FORMATS),
        'ssh',
        '"openpgp"',
        'kind of key: `ssh` (ed25519 or RSA), or `openpgp` (as `gpg --armor --export-secret-keys` writes it)',
        { flag: '--signing-format <format>', needs: ['signing.keyFile'] },
      ),
    },
  },
};

type Landing = Values<typeof landing>;

/** What `land` says in the words `autoMerge` and `dryRun`, each of which may be inherited by itself. */
export const LANDING_WORDS: Readonly<Record<LandingMode, Partial<Pick<Landing, 'autoMerge' | 'dryRun'>>>> = {
  none: { dryRun: true },
  branch: { autoMerge: false, dryRun: false },
  merge: { autoMerge: true, dryRun: false },
  'pull-request': { autoMerge: false, dryRun: false },
};

export const landingMode = ({
  land,
  autoMerge,
  dryRun,
}: Pick<Landing, 'land' | 'autoMerge' | 'dryRun'>): LandingMode => {
  if (dryRun) return 'none';
  if (autoMerge) return 'merge';
  return waysOfLanding[land].asksForge ? land : 'branch';
};

export function landingOf(options: Landing): Pick<RunOptions, 'landing'> {
  const { land, branchPrefix, removeOldBranches, perInput, perRun } = options;
  const branch = perRun ? branchPrefix.replace(/-$/, '') : options.branch;
  if (waysOfLanding[land].asksForge)
    return { landing: { mode: land, branchPrefix, branch, ...requestOptions(options) } };
  // A dry run verifies what would be proposed: each input by itself.
  if (perInput && !waysOfLanding[land].lands) return { landing: { mode: land, branchPrefix, branch, perInput } };
  return { landing: { mode: land, branchPrefix, ...(removeOldBranches ? { removeOldBranches } : {}) } };
}

function requestOptions(options: Landing) {
  const { perInput, perRun, labels, assignees, reviewers, milestone, draft, openWithoutChange } = options;
  const { merge, mergeMethod, mergeWaitSec } = options;
  return {
    ...(perInput ? { perInput } : {}),
    ...(perRun ? { perRun } : {}),
    ...(labels.length === 0 ? {} : { labels }),
    ...(assignees.length === 0 ? {} : { assignees }),
    ...(reviewers.length === 0 ? {} : { reviewers }),
    ...(milestone === null ? {} : { milestone }),
    ...(draft ? { draft } : {}),
    ...(openWithoutChange ? { openWithoutChange } : {}),
    merge,
    ...(merge === 'never' ? {} : { mergeWaitSeconds: mergeWaitSec }),
    ...(mergeMethod === null ? {} : { mergeMethod }),
  };
}

export function personsOf(options: Landing): Pick<RunOptions, 'author' | 'committer'> {
  const author = options.author === null ? LOCKKEEPER : checkPerson(options.author, 'author');
  return { author, committer: options.committer === null ? author : checkPerson(options.committer, 'committer') };
}

export const signingOf = ({ signing: { format, keyFile } }: Landing): Pick<RunOptions, 'signing'> =>
  keyFile === null ? {} : { signing: { format, keyFile } };

export const timeZoneOf = ({ timeZone }: Pick<Landing, 'timeZone'>): string =>
  timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
