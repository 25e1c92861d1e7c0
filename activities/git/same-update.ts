import { withoutRun } from '../../model/report/commit-message.js';
import { isOfDay } from '../../model/landing/branches.js';
import type { Git } from './git.js';
import type { Signer } from '../../host/signing/index.js';
import { commitParts, committedAt, isSealed, unsignedCommit } from './seal.js';

/**
 * A commit of an earlier run on an update branch of the day that differs from one that was just made in its run and dates
 * alone; `null` when there is none. The branches are those that the mirror knows.
 * @param signer who signed the one that was made; it has to have signed the earlier one as well
 */
export async function sameUpdateOn(
  git: Git,
  { branch, base, made }: { readonly branch: string; readonly base: string; readonly made: string },
  signer: Signer | null,
): Promise<string | null> {
  const [raw, listed] = await Promise.all([
    git.run(['cat-file', 'commit', made]),
    git.run(['for-each-ref', '--format=%(objectname) %(refname:lstrip=2)', 'refs/heads/']),
  ]);
  const wanted = describe(raw);
  for (const line of listed.split('\n')) {
    const [tip = '', name = ''] = line.split(' ');
    if (!isOfDay(name, branch)) continue;
    // The last one is the first on top of base; fixes come after it.
    const own = (await git.run(['rev-list', '--topo-order', tip, '--not', base])).trim().split('\n');
    const commit = own.at(-1) ?? '';
    if (commit === '') continue;
    const raw = await git.run(['cat-file', 'commit', commit]);
    if (isSealed(raw) && describe(raw) === wanted && (await isSignedBy(signer, raw))) return commit;
  }
  return null;
}

/** The same key gives the same commit the same signature. */
async function isSignedBy(signer: Signer | null, raw: string): Promise<boolean> {
  const { payload, signature } = unsignedCommit(raw);
  if (signer === null || signature === null) return signer === null && signature === null;
  return (await signer.sign(payload, committedAt(raw) ?? 0)).trimEnd() === signature.trimEnd();
}

/** A commit without what differs when another run makes it. */
function describe(raw: string): string {
  const { headers, message } = commitParts(unsignedCommit(raw).payload);
  const undated = headers.map((line) => line.replace(/^((?:author|committer) .*>) .*$/, '$1'));
  return [...undated, '', withoutRun(message)].join('\n');
}
