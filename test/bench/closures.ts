import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../activities/command/process.js';
import { DIX, noDix } from '../support/tools.js';
import type { Diffed } from './diff-process.js';
import { median, middle, seconds, type Figure } from './figures.js';

const PATHS = 8000;
const TIMES = 5;
const TOP = '/nix/store/00000000000000000000000000000000-top';

/** Two closures of 8,000 paths, of which a third is rebuilt and a tenth has another version. */
export async function closures(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-bench-diff-'));
  try {
    const sides = [closure(0), closure(1)];
    const files = await Promise.all(
      sides.map(async (paths, side) => {
        const file = path.join(folder, `${side}.json`);
        await writeFile(file, JSON.stringify(paths));
        return file;
      }),
    );
    const diffed: Diffed[] = [];
    const program = fileURLToPath(new URL('diff-process.js', import.meta.url));
    for (let time = 0; time < TIMES; time += 1)
      diffed.push(JSON.parse((await run(process.execPath, [program, ...files])).stdout) as Diffed);
    const detail = `${PATHS} paths, ${diffed[0]?.packages} packages differ; ${await besideDix(folder, sides)}`;
    const of = (what: keyof Diffed): number => middle(diffed.map((each) => each[what]));
    return [
      { name: 'difference of two closures', value: of('seconds'), limit: 0.3, unit: ' s', detail },
      { name: 'memory for that', value: of('bytes') / 1024 ** 2, limit: 150, unit: ' MiB', detail: 'whole process' },
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Path {
  readonly path: string;
  readonly narSize: number;
  readonly references: readonly string[];
}

/** As `nix path-info --json` prints it. */
const closure = (side: 0 | 1): readonly Path[] =>
  Array.from({ length: PATHS }, (_, index) => {
    const isRebuilt = side === 1 && index % 3 === 0;
    const version = `1.${index % 40}.${side === 1 && index % 10 === 0 ? 1 : 0}`;
    const hash = `${isRebuilt || version.endsWith('1') ? '1' : '0'}${String(index).padStart(31, '0')}`;
    const references = index === 0 ? [] : [`/nix/store/${'0'.repeat(32)}-package-${index - 1}`];
    return { path: `/nix/store/${hash}-package${index}-${version}`, narSize: 1000 + index, references };
  });

async function besideDix(folder: string, sides: readonly (readonly Path[])[]): Promise<string> {
  const why = noDix();
  if (why !== false) return why;
  const files = sides.map((_, side) => path.join(folder, `dix-${side}.json`));
  for (const [side, paths] of sides.entries()) {
    const snapshot = paths.map(({ path, narSize }) => ({ path, narSize }));
    await writeFile(files[side] ?? '', JSON.stringify({ version: 1, path: TOP, closure: snapshot, selected: [] }));
  }
  const taken = await median(TIMES, () => seconds(() => run(DIX, ['diff', '--output', 'json', '--full', ...files])));
  return `dix with its start ${taken.toFixed(2)} s`;
}
