import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { BUNDLE_LIMIT_BYTES, type Candidate } from '../../model/verify/candidate.js';
import { finalFailure } from '../../model/run/failures.js';
import { openGit } from './git.js';
import { SCRATCH } from './mirror.js';

/**
 * A repository of a few files that borrows the mirror's objects and has its `HEAD` at `head`: `git bundle` names refs as
 * they are in the repository that it runs in, and the mirror's own `HEAD` must not move.
 */
async function borrowing(mirror: string, head: string, directory: string): Promise<void> {
  await mkdir(path.join(directory, 'objects', 'info'), { recursive: true });
  await mkdir(path.join(directory, 'refs'));
  await writeFile(path.join(directory, 'objects', 'info', 'alternates'), `${path.join(mirror, 'objects')}\n`);
  await writeFile(path.join(directory, 'HEAD'), `${head}\n`);
  await copyFile(path.join(mirror, 'config'), path.join(directory, 'config'));
}

/**
 * A candidate of two commits that the mirror has, with the thin bundle of what lies between them.
 * Safe to repeat: it only reads the mirror, and its scratch folder is its own; what a killed one leaves, the next start of a
 * worker sweeps. Throws a non-retryable `BundleTooLarge` failure past the limit.
 */
export async function candidateOf(
  mirror: string,
  base: string,
  head: string,
  wayOut = 'Update fewer inputs at a time.',
): Promise<Candidate> {
  const scratch = await mkdtemp(`${mirror}${SCRATCH}`);
  try {
    await borrowing(mirror, head, scratch);
    const file = path.join(scratch, 'candidate');
    await openGit(scratch).run(['bundle', 'create', '--quiet', '--version=2', file, 'HEAD', `^${base}`]);
    const bundle = await readFile(file);
    if (bundle.length > BUNDLE_LIMIT_BYTES) {
      throw finalFailure(
        'BundleTooLarge',
        `The change is too large to travel between machines: its bundle has ${bundle.length} bytes, ` +
          `and ${BUNDLE_LIMIT_BYTES} are the limit. ${wayOut}`,
      );
    }
    return { base, head, bundle: bundle.toString('base64') };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
