import { instanceTrailer } from '../../model/commit-message.js';
import type { Git } from './git.js';

/**
 * Whether every commit that a branch has on top of main was made by one instance of Lockkeeper, so that the branch may be
 * replaced. A merge or a commit of anybody else makes the whole branch theirs.
 * @param tip what the branch is at
 * @param known commits whose history is not the branch's own: main, and the base that the run started from
 */
export async function allOurs(git: Git, tip: string, known: readonly string[], instance: string): Promise<boolean> {
  const log = await git.run(['log', '-z', '--format=tformat:%B', tip, ...known.map((commit) => `^${commit}`)]);
  // Each message ends with a NUL.
  const messages = log.split('\0').slice(0, -1);
  return messages.every((message) => instanceTrailer(message) === instance);
}

export async function isAncestor(git: Git, ancestor: string, descendant: string): Promise<boolean> {
  return (await git.attempt(['merge-base', '--is-ancestor', ancestor, descendant])).exitCode === 0;
}
