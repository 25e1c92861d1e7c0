import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';
import { installed } from '../../host/installation.js';

const HOUSE = ['model', 'host', 'workflows', 'activities', 'workers', 'client', 'scripts'];

/** What each file imports, by path. */
type Imports = ReadonlyMap<string, readonly string[]>;

/** A circle as the files or folders on its way; the first one comes again at the end. */
type Circle = readonly string[];

test('nothing imports itself by a detour: no folder, and no more than two files', async () => {
  const found = circles(await importsOf(HOUSE));
  assert.deepEqual(
    found.map((circle) => circle.join(' → ')),
    [],
  );
});

test('a circle is told with its way; two files may need each other', () => {
  const told = (imports: Record<string, readonly string[]>) => circles(new Map(Object.entries(imports)));
  const folders = { 'a/x/1.ts': ['a/y/2.ts'], 'a/y/2.ts': ['a/z/3.ts'], 'a/z/3.ts': ['a/x/4.ts'], 'a/x/4.ts': [] };
  assert.deepEqual(told(folders), [['a/x', 'a/y', 'a/z', 'a/x']]);
  assert.deepEqual(told({ 'a/1.ts': ['a/2.ts'], 'a/2.ts': ['a/1.ts'] }), []);
  const three = { 'a/1.ts': ['a/2.ts'], 'a/2.ts': ['a/1.ts', 'a/3.ts'], 'a/3.ts': ['a/1.ts'] };
  assert.deepEqual(told(three), [['a/1.ts', 'a/2.ts', 'a/3.ts', 'a/1.ts']]);
  assert.deepEqual(told({ 'a/1.ts': ['a/x/2.ts'], 'a/x/2.ts': ['a/1.ts'] }), [['a/1.ts', 'a/x', 'a/1.ts']]);
});

/** The first circle of each folder between what lies side by side in it. */
function circles(imports: Imports): readonly Circle[] {
  const folders = new Set([...imports.keys()].flatMap(foldersAbove));
  return [...folders].sort().flatMap((folder) => {
    const graph = graphIn(folder, imports);
    const found = [...graph.keys()].map((each) => circleFrom(each, graph)).find((circle) => circle !== null);
    return found === undefined ? [] : [found];
  });
}

const foldersAbove = (file: string): readonly string[] =>
  file === '.' ? [] : [path.dirname(file), ...foldersAbove(path.dirname(file))];

/** Which of what lies in a folder imports which other. */
function graphIn(folder: string, imports: Imports): ReadonlyMap<string, ReadonlySet<string>> {
  const graph = new Map<string, Set<string>>();
  for (const [file, imported] of imports) {
    const from = childOf(folder, file);
    if (from === null) continue;
    const others = imported.flatMap((each) => childOf(folder, each) ?? []).filter((each) => each !== from);
    graph.set(from, new Set([...(graph.get(from) ?? []), ...others]));
  }
  return graph;
}

/** What lies in the folder and is the file or holds it; `null` when nothing there does. */
function childOf(folder: string, file: string): string | null {
  const below = path.relative(folder, file);
  return below.startsWith('..') ? null : path.join(folder, below.split('/')[0] ?? '');
}

/** The shortest circle that begins at a place; `null` when there is none. */
function circleFrom(start: string, graph: ReadonlyMap<string, ReadonlySet<string>>): Circle | null {
  const ways = [[start]];
  const seen = new Set(ways[0]);
  for (const way of ways) {
    for (const next of graph.get(way.at(-1) ?? '') ?? []) {
      const isPair = way.length === 2 && way.every((each) => each.endsWith('.ts'));
      if (next === start && !isPair) return [...way, next];
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  }
  return null;
}

async function importsOf(folders: readonly string[]): Promise<Imports> {
  const root = installed('');
  const listed = await Promise.all(
    folders.map(async (folder) => {
      const below = await readdir(path.join(root, folder), { recursive: true });
      return below.filter((name) => name.endsWith('.ts')).map((name) => path.join(folder, name));
    }),
  );
  const read = listed.flat().map(async (file) => {
    const { importedFiles } = ts.preProcessFile(await readFile(path.join(root, file), 'utf8'));
    const own = importedFiles.map(({ fileName }) => fileName).filter((name) => name.startsWith('.'));
    return [file, own.map((name) => path.join(path.dirname(file), name.replace(/\.js$/, '.ts')))] as const;
  });
  return new Map(await Promise.all(read));
}
