import { createHash } from 'node:crypto';
import path from 'node:path';
import type { StateDirectory } from './state-directory.js';
import { runDirectoryName } from '../run/directory-name.js';
import type { TargetName } from '../targets/index.js';

/** Sixteen digits that stand for a target in file names: its own name may hold any character. */
export const targetKey = (target: TargetName): string =>
  createHash('sha256').update(`${target.kind}\n${target.name}`).digest('hex').slice(0, 16);

/** Folder of everything that this machine keeps about one target of one candidate: logs, identity, exit status. */
export const recordDirectory = (state: StateDirectory, run: string, head: string, target: TargetName): string =>
  path.join(state.builds, runDirectoryName(run), `${head.slice(0, 12)}-${targetKey(target)}`);

/** The same of its upload to a cache. */
export const uploadDirectory = (
  state: StateDirectory,
  {
    run,
    head,
    target,
    cache,
  }: { readonly run: string; readonly head: string; readonly target: TargetName; readonly cache: string },
): string =>
  `${recordDirectory(state, run, head, target)}-${createHash('sha256').update(cache).digest('hex').slice(0, 8)}`;
