import { lstat, lutimes, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { compareClosures, sizeOf } from '../../../model/closure/compare-closures.js';
import { limitChange } from '../../../model/closure/limit.js';
import { switchingOf } from '../../../model/closure/switching.js';
import type { TargetChange } from '../../../model/closure/closure.js';
import type { CompareClosuresInput, MachineActivities } from '../../../model/contract/activities.js';
import { repositoryKey } from '../../../model/run/keys.js';
import type { ActivityEnvironment } from '../../environment.js';
import { exclusively } from '../../git/mutex.js';
import { rootPath } from '../build/build-command.js';
import { storeHash } from '../../../model/nix/derivation-file.js';
import { whileHeartbeating } from '../heartbeat.js';
import { targetKey } from '../../../model/machine/record-directory.js';
import { runNix } from '../run-nix.js';
import { closureReader, readBootLinks } from './read-closure.js';

/**
 * Makes the activity that tells what an update changes in the closure of a target that this machine built. Repeating it
 * costs what comparing costs.
 * @throws retryable failures of the machine; `NixUnusable`
 */
export const createCompareClosures =
  (env: ActivityEnvironment): MachineActivities['compareClosures'] =>
  (input) =>
    whileHeartbeating({ machine: env.machine }, async (signal) => {
      await keepClosures(env, input);
      // A closure of 8,000 paths takes some 50 MB while it is read.
      return input.same ? null : await exclusively('compare closures', () => compare(input, signal));
    });

async function compare(
  { before, after, target, bytes }: CompareClosuresInput,
  signal: AbortSignal,
): Promise<TargetChange | null> {
  const read = closureReader(target.name, signal);
  const now = await read(after);
  if (now === null) return null;
  const old = before === null ? null : await read(before);
  if (before === null || old === null) return { kind: 'no-base', size: sizeOf(now.paths) };
  const [was, is] = await Promise.all([readBootLinks(before), readBootLinks(after)]);
  return { kind: 'compared', switching: switchingOf(was, is), ...limitChange(compareClosures(old, now), bytes) };
}

/**
 * Keeps the newest closures of the target in the store, for any of them may be the base of the next run: so many as the owner
 * wants, and the one before them.
 */
async function keepClosures(env: ActivityEnvironment, input: CompareClosuresInput): Promise<void> {
  const { repository, target, before, after, same, keep } = input;
  const folder = path.join(env.state.closures, repositoryKey(repository, true), targetKey(target));
  // What is the same but for the revision was kept when it came.
  const wanted = [same ? null : before, after].filter((each) => each !== null);
  if (keep > 0) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const storePath of wanted) await keepClosure(path.join(folder, storeHash(storePath)), storePath);
  }
  const names = await readdir(folder).catch(() => []);
  const roots = names.map(async (name) => {
    const root = path.join(folder, name);
    return { root, usedAt: (await lstat(root)).mtimeMs };
  });
  const old = (await Promise.all(roots))
    .sort((one, other) => other.usedAt - one.usedAt)
    .slice(keep === 0 ? 0 : keep + 1);
  await Promise.all(old.map(({ root }) => rm(root, { force: true })));
}

/** The time of a root is that of its newest use. A closure that is not in the store gets none. */
async function keepClosure(root: string, storePath: string): Promise<void> {
  const now = new Date();
  try {
    await lutimes(root, now, now);
  } catch {
    await runNix('nix-store', rootPath(storePath, root));
  }
}
