import { createHash } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, writeWhole } from '../../../host/files.js';
import { ADVISORY_FILE, type Advisory } from '../../../model/advisories/advisory.js';
import type { StateDirectory } from '../../../model/machine/state-directory.js';
import { groupBy } from '../../../model/text/group-by.js';
import { openSegment, type Segment, type SourceFile } from './segment.js';

export interface AdvisoryIndex {
  readonly newest: string | null;
  readonly entries: number;
  readonly faults: readonly string[];
  readonly find: (names: ReadonlySet<string>) => Promise<ReadonlyMap<string, readonly Advisory[]>>;
}

/** Larger files have an index of their own. */
const LARGE = 1024 ** 2;
/** Indexes that small files are spread over, so that a new one of 100,000 makes few others be read again. */
const GROUPS = 64;
/** Files that are looked at at once. */
const BATCH = 64;

/** Names the folder that an index is of; written at each use. */
const SOURCE_NAME = 'folder.json';

/**
 * The index of a folder's JSON files of the NVD and OSV (`.json`, `.json.gz`, `.jsonl`), brought up to date: only files that changed
 * are read, one after the other. It is below the state directory.
 * @throws what reading the folder throws
 */
export async function openIndex(state: StateDirectory, folder: string, signal: AbortSignal): Promise<AdvisoryIndex> {
  const files = await listFiles(folder);
  const place = path.join(state.advisories, createHash('sha256').update(folder).digest('hex').slice(0, 16));
  await makeFolder(place);
  await writeWhole(path.join(place, SOURCE_NAME), JSON.stringify({ folder }));
  const segments: Segment[] = [];
  const groups = groupBy(files, groupOf);
  for (const [name, group] of groups)
    segments.push(await openSegment(path.join(place, `${name}.index`), group, signal));
  await removeOthers(place, new Set([...groups.keys()].map((name) => `${name}.index`)));
  return {
    newest: segments
      .map(({ newest }) => newest)
      .reduce((one, other) => ((one ?? '') > (other ?? '') ? one : other), null),
    entries: segments.reduce((sum, { entries }) => sum + entries, 0),
    faults: segments.flatMap(({ faults }) => faults),
    async find(names) {
      const found = new Map<string, readonly Advisory[]>();
      for (const segment of segments)
        for (const [name, advisories] of await segment.find(names))
          found.set(name, [...(found.get(name) ?? []), ...advisories]);
      return found;
    },
  };
}

function groupOf({ name, size }: SourceFile): string {
  const hash = createHash('sha256').update(name).digest();
  return size >= LARGE ? `file-${hash.toString('hex').slice(0, 32)}` : `group-${hash.readUInt32BE() % GROUPS}`;
}

async function listFiles(folder: string): Promise<readonly SourceFile[]> {
  const entries = await readdir(folder, { recursive: true });
  const names = entries.filter((name) => ADVISORY_FILE.test(name)).sort();
  const files: SourceFile[] = [];
  for (let start = 0; start < names.length; start += BATCH) {
    const batch = names.slice(start, start + BATCH).map(async (name): Promise<SourceFile[]> => {
      const file = path.join(folder, name);
      const found = await stat(file).catch(() => null);
      return found?.isFile() === true ? [{ name, path: file, size: found.size, changedAt: found.mtimeMs }] : [];
    });
    files.push(...(await Promise.all(batch)).flat());
  }
  return files;
}

/** Indexes of files that are gone, and what a process left that was killed. */
async function removeOthers(place: string, kept: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(place))
    if (name !== SOURCE_NAME && !kept.has(name) && /\.(?:index|tmp)$/.test(name))
      await rm(path.join(place, name), { force: true });
}
