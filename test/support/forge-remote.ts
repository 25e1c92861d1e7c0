import type { MergeMethod } from '../../model/forge/merging.js';
import { git } from './git.js';

/** Commit that each branch is at. */
export type Heads = () => Promise<ReadonlyMap<string, string>>;

/** Merges a commit into a branch, and gives what that is at then; `null` where it cannot be merged. */
export type MergeInto = (
  into: string,
  commit: string,
  how: { readonly method: MergeMethod; readonly message: string },
) => Promise<string | null>;

/** A bare repository of this machine, as a small forge has it. */
export function forgeRemote(remote: string): { readonly heads: Heads; readonly mergeInto: MergeInto } {
  return {
    heads: async () => {
      const found = await git(remote, 'for-each-ref', '--format=%(refname:short) %(objectname)', 'refs/heads/');
      return new Map(found.split('\n').map((line) => line.split(' ') as [string, string]));
    },
    mergeInto: async (into, commit, { method, message }) => {
      const tip = await git(remote, 'rev-parse', `refs/heads/${into}`);
      if ((await git(remote, 'merge-base', tip, commit)) !== tip) return null;
      const parents = method === 'merge' ? ['-p', tip, '-p', commit] : ['-p', tip];
      const made =
        method === 'fast-forward'
          ? commit
          : await git(remote, 'commit-tree', ...parents, '-m', message, `${commit}^{tree}`);
      await git(remote, 'update-ref', `refs/heads/${into}`, made, tip);
      return made;
    },
  };
}
