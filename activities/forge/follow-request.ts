import type { CoordinatorActivities } from '../../model/contract/activities.js';
import type { FindRequestsInput, FollowInput, RequestState } from '../../model/contract/requests.js';
import { approvingComment, type MergeMethod } from '../../model/forge/merging.js';
import { finalFailure } from '../../model/run/failures.js';
import { oneLine } from '../../model/text/one-line.js';
import type { ActivityEnvironment } from '../environment.js';
import { openGit, type Git } from '../git/git.js';
import { installBundle } from '../git/install-commit.js';
import { ensureMirror, fetchMirror, hasCommit } from '../git/mirror.js';
import { isAncestor, mainMoved } from '../git/branch-owner.js';
import { mainCommit } from '../git/resolve-base.js';
import { openForge } from './index.js';
import type { ForgeBranch, ForgeClient, ForgeMerging, FollowedRequest } from './types.js';

/** Of what a forge says, in one line. */
const WORDS_BYTES = 500;

/**
 * Looks first what became of the request, so that a repeat merges nothing twice. A request is merged only while its branch is at
 * the commit that was verified, its base is main, and main is where that commit began: then what lands is what was verified. Of
 * these the forge itself holds only the first until it merges, and `fast-forward` all; otherwise main may move after the last look,
 * which `asVerified` tells afterwards.
 */
export const createFollowRequest =
  (env: ActivityEnvironment): CoordinatorActivities['followRequest'] =>
  async (input) => {
    const client = openForge(input.forge);
    const { merging } = client;
    const seen = await merging.request(input.number);
    const ended = await endOf(env, merging, seen, input);
    if (ended !== null) return ended;
    const branch = await merging.branch(input.branch);
    if (branch?.tip !== input.commit) {
      if (input.merge === 'forge') await merging.takeBack(input.number);
      // Between the two looks it may have been merged, and its branch removed.
      const now = await endOf(env, merging, await merging.request(input.number), input);
      return now ?? { kind: 'moved', head: branch?.tip ?? null };
    }
    if (input.answers === true) return await answerTo(client, merging, input);
    return input.merge === 'never' ? { kind: 'open', waitsFor: null } : await merge(env, merging, seen, input);
  };

async function endOf(
  env: ActivityEnvironment,
  merging: ForgeMerging,
  { merged, isOpen, into, head }: FollowedRequest,
  input: FollowInput,
): Promise<RequestState | null> {
  // What becomes of another branch was not verified, and is not this run's.
  if (into !== input.repository.mainBranch && (merged !== null || isOpen)) {
    if (isOpen && input.merge === 'forge') await merging.takeBack(input.number);
    const there = merged === null ? {} : { merged: { by: nameOf(merged.by), commit: oneLine(merged.commit, 64) } };
    return { kind: 'moved', head, into: oneLine(into, 200), ...there };
  }
  if (merged !== null) {
    const asVerified = await isAsVerified(env, merged.commit, input);
    return { kind: 'merged', by: nameOf(merged.by), commit: merged.commit, asVerified };
  }
  return isOpen ? null : { kind: 'closed', by: nameOf(await merging.closedBy(input.number)) };
}

/** Whether a commit of main has the files of the candidate; `null` when it is not there. */
async function isAsVerified(env: ActivityEnvironment, commit: string, input: FollowInput): Promise<boolean | null> {
  const { repository, candidate } = input;
  if (!/^[0-9a-f]{40,64}$/.test(commit)) return null;
  // Who only waits for an answer brings no bundle along, and another machine may not have the commit.
  const isHere = async () => hasCommit(openGit(await ensureMirror(env, repository)), candidate.head);
  if (candidate.bundle === '' && !(await isHere())) return null;
  const git = openGit(await installBundle(env, input));
  if (!(await hasCommit(git, commit))) await fetchMirror(env, repository);
  if (!(await hasCommit(git, commit))) return null;
  return await hasSameFiles(git, commit, candidate.head);
}

async function hasSameFiles(git: Git, ...commits: readonly [string, string]): Promise<boolean> {
  const [one, other] = await Promise.all(commits.map((each) => git.run(['rev-parse', '--verify', `${each}^{tree}`])));
  return one === other;
}

/** Accounts are named by others. */
const nameOf = (account: string | null): string | null => (account === null ? null : oneLine(account, 200));

/** As short as what a command says. */
const commentOf = (text: string): string => oneLine(text, 2000);

async function answerTo(
  client: ForgeClient,
  merging: ForgeMerging,
  { number, commit, laterThan }: FollowInput,
): Promise<RequestState> {
  const without: string[] = [];
  for (const { id, by, commit: reviewed, body, isOfficial } of await merging.approvals(number)) {
    if (reviewed !== commit || id <= (laterThan?.approval ?? 0)) continue;
    // Whom a branch lets review it may still not be allowed to push, now or any more.
    const mayPush = isOfficial === false ? false : ((await merging.mayPush(by)) ?? isOfficial);
    if (mayPush === true)
      return { kind: 'approved', by: oneLine(by, 200), comment: body.trim() === '' ? null : commentOf(body) };
    without.push(by);
  }
  for (const { id, by, body } of await client.comments(number)) {
    const approving = by === '' || id <= (laterThan?.comment ?? 0) ? null : approvingComment(body, commit);
    if (approving === null) continue;
    if ((await merging.mayPush(by)) === true)
      return {
        kind: 'approved',
        by: oneLine(by, 200),
        comment: approving.comment === null ? null : commentOf(approving.comment),
      };
    without.push(by);
  }
  const [account] = without;
  const waitsFor =
    account === undefined
      ? null
      : `an approval by somebody who may push: ${oneLine(account, 200)} is not known to be allowed to`;
  return { kind: 'open', waitsFor };
}

async function merge(
  env: ActivityEnvironment,
  merging: ForgeMerging,
  seen: FollowedRequest,
  input: FollowInput,
): Promise<RequestState> {
  const { repository, candidate, number, commit } = input;
  const main = await merging.branch(repository.mainBranch);
  if (main?.tip !== candidate.base) return await mainIsElsewhere(env, merging, main, input);
  if (seen.head !== commit) return { kind: 'open', waitsFor: `the forge to see commit ${commit.slice(0, 12)}` };
  const how = { commit, into: seen.into, ...messageOf(seen, commit), method: await methodOf(merging, input) };
  const missing = input.merge === 'forge' ? null : await missingStatus(merging, main, commit);
  // Directly before it is merged, because looking at many statuses takes a while.
  const still = missing === null ? await merging.branch(repository.mainBranch) : main;
  if (still?.tip !== candidate.base) return await mainIsElsewhere(env, merging, still, input);
  const refused =
    input.merge === 'forge'
      ? await mergeLater(merging, main, how, input)
      : (missing ?? (await merging.merge(number, how)));
  const now = await endOf(env, merging, await merging.request(number), input);
  return now ?? { kind: 'open', waitsFor: refused === null ? LATER : oneLine(refused, WORDS_BYTES) };
}

/** Main moved, perhaps because the request was merged just now. */
async function mainIsElsewhere(
  env: ActivityEnvironment,
  merging: ForgeMerging,
  main: ForgeBranch | null,
  input: FollowInput,
): Promise<RequestState> {
  const { number, commit } = input;
  if (input.merge === 'forge') await merging.takeBack(number);
  const ended = await endOf(env, merging, await merging.request(number), input);
  if (ended !== null) return ended;
  // Somebody has moved it to exactly what was verified, and not all forges take that for a merge, or not at once.
  return main?.tip === commit ? { kind: 'merged', by: null, commit, asVerified: true } : await movedMain(env, input);
}

const LATER = 'the forge to merge it';

async function mergeLater(
  merging: ForgeMerging,
  main: ForgeBranch,
  how: Parameters<ForgeMerging['mergeLater']>[1],
  input: FollowInput,
): Promise<string | null> {
  await checkGuarded(merging, main, input);
  return await merging.mergeLater(input.number, how);
}

/** Where main is by now, as the run's mirror has it from then on. */
async function movedMain(
  env: ActivityEnvironment,
  { repository, candidate, commit }: FollowInput,
): Promise<RequestState> {
  const git = openGit(await installBundle(env, { repository, candidate }));
  await fetchMirror(env, repository);
  const main = await mainCommit(git, repository);
  if (main === candidate.base) return { kind: 'open', waitsFor: 'the forge to see where the main branch is' };
  // Forges move the branch first, and call the request merged a moment later.
  if ((await isAncestor(git, commit, main)) || (await hasSameFiles(git, commit, main)))
    return { kind: 'open', waitsFor: 'the forge to see that it is merged' };
  return await mainMoved(git, candidate, main);
}

/** What a commit that the forge makes says: not the text of the request, which is the whole report. */
const messageOf = ({ title, number }: FollowedRequest, commit: string) => ({
  title: `${oneLine(title, 200)} (#${number})`,
  message: `Verified by Lockkeeper as ${commit}.`,
});

/** The first status that main requires and the commit does not have, as a clause; `null` when all are there. */
async function missingStatus(merging: ForgeMerging, main: ForgeBranch, commit: string): Promise<string | null> {
  if (main.requires.length === 0) return null;
  const there = await merging.checks(commit, main.requires);
  for (const { name, matches } of main.requires) {
    const meant = there.filter(({ context }) => matches(context));
    const bad = meant.find(({ state }) => state !== 'success');
    if (bad !== undefined) return `status ${bad.context}, which is ${bad.state}`;
    if (meant.length === 0) return `status ${name}, which nobody has set`;
  }
  return null;
}

/** Whether requests of the repository can be merged as a run will ask for it. @throws `ForgeRefused` where they cannot */
export async function checkMerging(client: ForgeClient, input: FindRequestsInput): Promise<void> {
  const { merge = 'never', repository } = input;
  if (merge === 'never') return;
  const { merging } = client;
  await methodOf(merging, { ...input, merge });
  if (merge === 'forge') await checkGuarded(merging, await merging.branch(repository.mainBranch), input);
}

/** @throws `ForgeRefused` where a forge that merges by itself would also merge what nobody has verified */
async function checkGuarded(
  merging: ForgeMerging,
  main: ForgeBranch | null,
  { forge, repository: { mainBranch } }: Pick<FollowInput, 'forge' | 'repository'>,
): Promise<void> {
  const why = main === null ? `there is no branch ${mainBranch}` : await merging.unguarded(mainBranch, main);
  if (why === null) return;
  throw finalFailure(
    'ForgeRefused',
    `${forge.url} may not merge by itself what nobody has verified, and would: ${why}, or let Lockkeeper merge with merge = "self" (--merge self).`,
  );
}

/** How a request is merged. @throws `ForgeRefused` where the repository does not allow it */
async function methodOf(
  merging: ForgeMerging,
  { merge, mergeMethod, forge }: Pick<FollowInput, 'merge' | 'mergeMethod' | 'forge'>,
): Promise<MergeMethod> {
  const allowed = await merging.methods(merge === 'forge' ? 'forge' : 'self');
  const wanted = mergeMethod ?? allowed[0];
  if (wanted !== undefined && allowed.includes(wanted)) return wanted;
  throw finalFailure(
    'ForgeRefused',
    `${forge.repository} does not let pull requests be merged by ${wanted ?? 'any way'}: give mergeMethod (--merge-method) as one of ${allowed.join(', ')}.`,
  );
}
