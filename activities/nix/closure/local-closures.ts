import { exists } from '../../../host/files.js';
import { readPathInfo, type PathInfo } from '../../../model/closure/path-info.js';
import { exclusively } from '../../git/mutex.js';
import { pathInfo } from '../commands.js';
import { SharedWork } from '../evaluate/shared-work.js';
import { runNix } from '../run-nix.js';

/** Closures that one Nix is asked for: hosts of a fleet share most of theirs, so all of them take little more than one. */
const MOST = 8;

interface Batch {
  readonly key: string;
  readonly tops: Set<string>;
}

const asking = new SharedWork<ReadonlyMap<string, PathInfo>>();
let gathering: Batch | null = null;
let batches = 0;

/**
 * All that a store path of this machine refers to, itself included; `null` when the store does not have it. Those who ask while Nix
 * answers others are answered together.
 */
export async function localClosure(top: string, signal: AbortSignal): Promise<readonly PathInfo[] | null> {
  // Base is often not built here, and Nix takes longer to say so.
  if (!(await exists(top))) return null;
  const together = await ask(batchFor(top), signal);
  // One that the store does not know fails the answer for all.
  return below(top, together.has(top) ? together : await pathsBelow([top], signal));
}

function batchFor(top: string): Batch {
  const open =
    gathering !== null && gathering.tops.size < MOST ? gathering : { key: String(batches++), tops: new Set<string>() };
  open.tops.add(top);
  gathering = open;
  return open;
}

const ask = (batch: Batch, signal: AbortSignal): Promise<ReadonlyMap<string, PathInfo>> =>
  asking.share(batch.key, signal, (shared) =>
    exclusively('ask for closures', () => {
      if (gathering === batch) gathering = null;
      return pathsBelow([...batch.tops], shared);
    }),
  );

/** Empty when Nix does not know one of the paths. */
async function pathsBelow(tops: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, PathInfo>> {
  const { exitCode, stdout } = await runNix('nix', pathInfo(tops), { signal, background: true });
  const infos = exitCode === 0 ? readPathInfo(stdout) : [];
  return new Map(infos.map((each) => [each.path, each]));
}

function below(top: string, infos: ReadonlyMap<string, PathInfo>): readonly PathInfo[] | null {
  const found = new Map<string, PathInfo>();
  // What is added while the set is walked is walked as well.
  const wanted = new Set([top]);
  for (const each of wanted) {
    const info = infos.get(each);
    if (info === undefined) continue;
    found.set(each, info);
    for (const reference of info.references) wanted.add(reference);
  }
  return found.has(top) ? [...found.values()] : null;
}
