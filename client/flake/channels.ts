import { channelPattern } from '../../model/channels/names.js';
import type { Repository } from '../../model/run/options.js';
import { CommandError } from '../errors.js';
import { whyNot } from './git.js';
import { FETCH_MS, inScratch, type Scratch } from './scratch.js';

export interface SeenChannel {
  readonly branch: string;
  readonly commit: string;
  /** ISO 8601 time at which that commit was made. */
  readonly committedAt: string;
  /** Commits of main that it does not have; `null` when main does not have its commit. */
  readonly behind: number | null;
}

/** Main and the channels of a repository, by their commits: no file is fetched where the remote can do without. */
export interface SeenChannels {
  readonly main: string;
  readonly channels: readonly SeenChannel[];
  /** Git in a repository that has these commits, while it is looked at. */
  readonly own: Scratch['own'];
}

/** @throws CommandError when the remote does not answer */
export const withChannels = <T>(
  repository: Repository,
  template: string,
  work: (seen: SeenChannels) => Promise<T>,
): Promise<T> =>
  inScratch(repository, async ({ own }) => {
    const { url, displayUrl, mainBranch } = repository;
    const { prefix, whole } = channelPattern(template);
    const refs = [`+refs/heads/${mainBranch}:${MAIN}`, `+refs/heads/${prefix}*:${FOUND}${prefix}*`];
    const fetched = await own(['fetch', '--quiet', '--filter=tree:0', '--no-tags', '--', url, ...refs]);
    if (!fetched.ok) throw new CommandError(`${displayUrl} cannot be read: ${whyNot(fetched, FETCH_MS)}.`);
    const main = (await own(['rev-parse', MAIN])).stdout.trim();
    const format = '%(objectname) %(committerdate:iso-strict) %(refname)';
    const listed = (await own(['for-each-ref', `--format=${format}`, FOUND])).stdout.split('\n');
    const channels: SeenChannel[] = [];
    for (const line of listed) {
      const [commit = '', committedAt = '', ref = ''] = line.split(' ');
      const branch = ref.slice(FOUND.length);
      if (!whole.test(branch) || branch === mainBranch) continue;
      const onMain = (await own(['merge-base', '--is-ancestor', commit, main])).ok;
      const behind = onMain ? Number((await own(['rev-list', '--count', `${commit}..${main}`])).stdout) : null;
      channels.push({ branch, commit, committedAt: new Date(committedAt).toISOString(), behind });
    }
    return await work({ main, channels, own });
  });

const MAIN = 'refs/look/main';
const FOUND = 'refs/look/channels/';
