import { copyFile, rename, truncate } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { removeFolder, removeMirror, removeRefs } from '../../activities/git/prune-mirror.js';
import { whyNotRemoved } from '../../activities/files/remove-tree.js';
import { groupBy } from '../../model/text/group-by.js';
import { toRemove, type Kept, type Limits, type Removal } from '../../model/machine/retention.js';
import type { StateDirectory } from '../../model/machine/state-directory.js';
import { look } from './look.js';
import type { ServerView } from './runs.js';
import { systemCode } from '../../host/errors.js';

export interface PruneOptions {
  readonly state: StateDirectory;
  readonly limits: Limits;
  /** `null`: only age tells what is over. */
  readonly server: ServerView | null;
  /** Whether mirrors are left to another process, whose Git may be at work in them. Asked before each. */
  readonly leavesMirrors: () => Promise<boolean>;
  readonly dryRun: boolean;
  readonly signal?: AbortSignal;
}

export interface Pruned {
  readonly removed: readonly Removal[];
  readonly failed: readonly (Removal & { readonly error: string })[];
  /** Were to be removed, and are the worker's to remove. */
  readonly left: readonly Removal[];
  readonly kept: readonly Kept[];
}

/**
 * Removes what a state directory need not keep. Safe to be killed at any moment and to be repeated: folders are renamed
 * before they are removed, and what has such a name goes the next time.
 */
export async function prune(options: PruneOptions): Promise<Pruned> {
  const now = Date.now();
  const { kept, openSince } = await look(options.state, options.server, now);
  const removals = toRemove(kept, options.limits, { now, openSince, asked: options.server !== null });
  const removed: Removal[] = [];
  const failed: (Removal & { error: string })[] = [];
  const left: Removal[] = [];
  for (const group of groups(removals)) {
    if (options.signal?.aborted === true) break;
    try {
      const done = options.dryRun ? !(await isLeft(group, options)) : await remove(group, options);
      (done ? removed : left).push(...group);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      failed.push(...group.map((removal) => ({ ...removal, error: message })));
    }
  }
  const gone = new Set(removed.map(({ item }) => item));
  return { removed, failed, left, kept: kept.filter((item) => !gone.has(item) && item.bytes > 0) };
}

/** Refs of one mirror go together, by one call of Git; refs of a mirror that goes itself are not worth a word. */
function groups(removals: readonly Removal[]): readonly (readonly Removal[])[] {
  const mirrors = removals.filter(({ item }) => item.kind === 'mirror').map(({ item }) => item.path);
  const isRef = ({ item }: Removal): boolean => item.kind === 'ref';
  const refs = removals.filter((removal) => isRef(removal) && !mirrors.includes(mirrorOf(removal.item)));
  return [
    ...removals.filter((removal) => !isRef(removal)).map((removal) => [removal]),
    ...groupBy(refs, ({ item }) => mirrorOf(item)).values(),
  ];
}

/** `<mirror>/refs/lockkeeper/<commit>` */
const mirrorOf = (ref: Kept): string => dirname(dirname(dirname(ref.path)));

const isLeft = async ([first]: readonly Removal[], { leavesMirrors }: PruneOptions): Promise<boolean> =>
  (first?.item.kind === 'mirror' || first?.item.kind === 'ref') && (await leavesMirrors());

/** @returns false when it is somebody else's to remove */
async function remove(group: readonly Removal[], options: PruneOptions): Promise<boolean> {
  const [first] = group;
  if (first === undefined || (await isLeft(group, options))) return false;
  const { item } = first;
  switch (item.kind) {
    case 'logs':
    case 'roots':
    case 'advisories':
      await removeFolder(item.path).catch(unlessGone);
      return true;
    case 'mirror':
      return await removeMirror(item.path, item.usedAt);
    case 'ref': {
      const mirror = mirrorOf(item);
      const names = group.map((each) => each.item.path.slice(mirror.length + sep.length));
      return await removeRefs(mirror, names, item.mirrorUsedAt ?? 0);
    }
    case 'process-log':
      await rotate(item.path);
      return true;
    case 'evaluation':
    case 'closure':
    case 'report':
    case 'times':
    case 'user':
    case 'leftover': {
      const why = await whyNotRemoved(item.path);
      if (why !== null) throw new Error(`it cannot be removed: ${why}`);
      return true;
    }
  }
}

function unlessGone(error: unknown): void {
  // Another prune was quicker.
  if (systemCode(error) !== 'ENOENT') throw error;
}

/** Keeps one old log. Its writer has the file open for appending, so the file is emptied in place, not replaced. */
async function rotate(log: string): Promise<void> {
  const copy = `${log}.1.tmp`;
  await copyFile(log, copy);
  await rename(copy, `${log}.1`);
  await truncate(log);
}
