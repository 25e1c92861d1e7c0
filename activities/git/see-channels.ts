import { channelPattern } from '../../model/channels/names.js';
import type { SeenChannel } from '../../model/channels/look.js';
import { isAncestor } from './branch-owner.js';
import type { Git } from './git.js';

export interface FoundChannel extends CommitFacts {
  readonly branch: string;
  readonly commit: string;
}

interface CommitFacts extends Pick<SeenChannel, 'behind'> {
  readonly committedAt: string;
  /** When the oldest commit of main was made that it does not have, ISO 8601; `null` when it has all, or is not on main. */
  readonly passedAt: string | null;
}

interface About {
  /** Commit of the main branch. */
  readonly main: string;
  readonly mainBranch: string;
  readonly template: string;
  /** Where channels were moved to since the mirror was fetched. */
  readonly moved?: ReadonlyMap<string, string>;
}

/** The channels of a template in a mirror that was just fetched. Many share a commit, of which Git is asked once. */
export async function seeChannels(git: Git, about: About): Promise<readonly FoundChannel[]> {
  const known = new Map<string, CommitFacts>();
  const found: FoundChannel[] = [];
  for (const [branch, commit] of await branchesOf(git, about)) {
    const facts = known.get(commit) ?? (await factsOf(git, commit, about.main));
    known.set(commit, facts);
    found.push({ branch, commit, ...facts });
  }
  return found;
}

async function branchesOf(git: Git, about: About): Promise<ReadonlyMap<string, string>> {
  const { mainBranch, template, moved = new Map<string, string>() } = about;
  const { whole } = channelPattern(template);
  const listed = await git.run(['for-each-ref', '--format=%(objectname) %(refname:lstrip=2)', 'refs/heads/']);
  const seen = listed.split('\n').flatMap((line): (readonly [string, string])[] => {
    const space = line.indexOf(' ');
    const branch = line.slice(space + 1);
    return space < 0 || branch === mainBranch || !whole.test(branch) ? [] : [[branch, line.slice(0, space)]];
  });
  return new Map([...seen, ...moved]);
}

async function factsOf(git: Git, commit: string, main: string): Promise<CommitFacts> {
  const committedAt = isoOf(await git.run(['show', '--no-patch', '--format=%ct', commit]));
  if (commit === main) return { committedAt, behind: 0, passedAt: null };
  if (!(await isAncestor(git, commit, main))) return { committedAt, behind: null, passedAt: null };
  const range = `${commit}..${main}`;
  const behind = Number(await git.run(['rev-list', '--count', range]));
  const oldest = (await git.run(['log', '--first-parent', '--format=%ct', range])).trim().split('\n').at(-1) ?? '';
  return { committedAt, behind, passedAt: oldest === '' ? null : isoOf(oldest) };
}

/** @param seconds since 1970 */
const isoOf = (seconds: string): string => new Date(Number(seconds) * 1000).toISOString();
