import { createHash } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import type { Advisory } from '../../../model/advisories/advisory.js';
import { readNvd } from '../../../model/advisories/nvd.js';
import { readOsv } from '../../../model/advisories/osv.js';
import { DAY_MS } from '../../../model/text/span.js';
import { AdvisoriesUnreadable, jsonElements } from './json-elements.js';

export interface SourceFile {
  /** Below its folder. */
  readonly name: string;
  readonly path: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly changedAt: number;
}

/** What an index says of its files, and where each product is in it. */
interface Head {
  readonly fingerprint: string;
  readonly newest: string | null;
  /** Advisories of all products together. */
  readonly entries: number;
  /** `name: why` of files that could not be read to their end. */
  readonly faults: readonly string[];
  readonly products: readonly (readonly [name: string, offset: number, bytes: number])[];
}

/** An index of a few files: JSON of the advisories of each product, the head, and its place in `TRAILER` digits. */
export type Segment = Pick<Head, 'newest' | 'entries' | 'faults'> & {
  readonly find: (names: ReadonlySet<string>) => Promise<ReadonlyMap<string, readonly Advisory[]>>;
};

const TRAILER = 16;
/** Higher when what is read of the files changes. */
const FORMAT = 3;

const fingerprintOf = (files: readonly SourceFile[]): string =>
  createHash('sha256')
    .update(JSON.stringify([FORMAT, ...files.map(({ name, size, changedAt }) => [name, size, changedAt])]))
    .digest('hex');

/** The index of some files, made if it is not there or if one of them has changed. */
export async function openSegment(index: string, files: readonly SourceFile[], signal: AbortSignal): Promise<Segment> {
  const fingerprint = fingerprintOf(files);
  const there = await readHead(index);
  const head = there?.fingerprint === fingerprint ? there : await writeSegment(index, files, fingerprint, signal);
  return {
    newest: head.newest,
    entries: head.entries,
    faults: head.faults,
    find: (names) => find(index, head, names),
  };
}

async function find(
  index: string,
  { products }: Head,
  names: ReadonlySet<string>,
): Promise<ReadonlyMap<string, readonly Advisory[]>> {
  const wanted = products.filter(([name]) => names.has(name));
  if (wanted.length === 0) return new Map();
  const handle = await open(index);
  try {
    const found = new Map<string, readonly Advisory[]>();
    for (const [name, offset, bytes] of wanted)
      found.set(name, JSON.parse(await slice(handle, offset, bytes)) as readonly Advisory[]);
    return found;
  } finally {
    await handle.close();
  }
}

async function slice(handle: FileHandle, offset: number, bytes: number): Promise<string> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, offset);
  return buffer.toString('utf8', 0, bytesRead);
}

/** `null` when there is none, or when it was cut off. */
async function readHead(index: string): Promise<Head | null> {
  const handle = await open(index).catch(() => null);
  if (handle === null) return null;
  try {
    const { size } = await handle.stat();
    const start = Number(await slice(handle, size - TRAILER, TRAILER));
    return JSON.parse(await slice(handle, start, size - TRAILER - start)) as Head;
  } catch {
    return null;
  } finally {
    await handle.close();
  }
}

async function writeSegment(
  index: string,
  files: readonly SourceFile[],
  fingerprint: string,
  signal: AbortSignal,
): Promise<Head> {
  const products = new Map<string, string[]>();
  const faults: string[] = [];
  let newest: number | null = null;
  let entries = 0;
  for (const file of files) {
    let known = 0;
    try {
      for await (const element of jsonElements(file.path, signal)) {
        const entry = readNvd(element) ?? readOsv(element);
        if (entry === null) continue;
        known += 1;
        newest = later(newest, entry.modified);
        for (const advisory of entry.advisories) {
          entries += 1;
          const list = products.get(advisory.product) ?? [];
          products.set(advisory.product, list);
          list.push(JSON.stringify(advisory));
        }
      }
      if (known === 0) throw new AdvisoriesUnreadable('it holds no advisories');
    } catch (error) {
      if (!(error instanceof AdvisoriesUnreadable)) throw error;
      faults.push(`${file.name}: ${error.message}`);
    }
  }
  const facts = { fingerprint, newest: newest === null ? null : new Date(newest).toISOString(), entries, faults };
  return await write(index, facts, products);
}

async function write(
  index: string,
  facts: Omit<Head, 'products'>,
  products: ReadonlyMap<string, readonly string[]>,
): Promise<Head> {
  const temporary = `${index}.${process.pid}.tmp`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    const places: [string, number, number][] = [];
    let offset = 0;
    for (const [name, advisories] of products) {
      const bytes = Buffer.from(`[${advisories.join(',')}]\n`);
      await handle.appendFile(bytes);
      places.push([name, offset, bytes.length]);
      offset += bytes.length;
    }
    const head: Head = { ...facts, products: places };
    await handle.appendFile(`${JSON.stringify(head)}${String(offset).padStart(TRAILER, '0')}`);
    await handle.close();
    await rename(temporary, index);
    return head;
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The later of two times; the NVD's have no zone, and are UTC. What is not yet is a mistake. */
function later(newest: number | null, modified: string | null): number | null {
  if (modified === null) return newest;
  const time = Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(modified) ? modified : `${modified}Z`);
  if (Number.isNaN(time) || time > Date.now() + DAY_MS) return newest;
  return newest === null ? time : Math.max(newest, time);
}
