import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { ROOT, Unavailable, run, warn } from './steps.mjs';

const DIST = path.join(ROOT, 'dist');
const STAMP = path.join(DIST, '.build-stamp');
const BUNDLE = path.join(DIST, 'workflow-bundle.js');
const CLIENT = path.join(DIST, 'client', 'bundle.cache');
const FOLDERS = ['client', 'workflows', 'activities', 'workers', 'host', 'model', 'scripts', 'test'];
const SINGLE_FILES = ['tsconfig.json', 'package-lock.json', 'model/confinement.json'];

/** Compiles into `dist/` and bundles the client and the workflows, unless the last build was made of exactly these sources. */
export async function build() {
  const sources = await listSources();
  const now = await fingerprint(sources);
  const last = await readFile(STAMP, 'utf8').catch(() => '');
  if (last === now && (await exists(BUNDLE)) && (await exists(CLIENT))) return 'up to date';
  warn('building …');
  await prune(new Set(sources));
  await step('tsc', ['node_modules/typescript/bin/tsc']);
  await step('the workflow bundle', ['dist/scripts/bundle-workflows.js']);
  await step('the bundle of the client', ['dist/scripts/bundle-client.js']);
  await mkdir(DIST, { recursive: true });
  await writeFile(STAMP, now);
  return 'done';
}

async function step(what, args) {
  const { status } = await run(process.execPath, args, { loud: true });
  if (status !== 0) throw new Unavailable(`${what} failed; its messages are above`);
}

/** Relative paths of all TypeScript sources, sorted. */
async function listSources() {
  const found = await Promise.all(FOLDERS.map((folder) => filesBelow(folder, '.ts')));
  return found.flat().sort();
}

async function filesBelow(folder, ending) {
  const entries = await readdir(path.join(ROOT, folder), { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath ?? entry.path, entry.name)));
}

/** Name, size and time of every source, hashed: reading them all would make a second set-up slow. */
async function fingerprint(sources) {
  const hash = createHash('sha256');
  for (const file of [...sources, ...SINGLE_FILES]) {
    const { size, mtimeMs } = await stat(path.join(ROOT, file));
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/** tsc never removes what it wrote: without this, the test of a deleted file would run for ever. */
async function prune(sources) {
  for (const folder of FOLDERS) {
    for (const file of await filesBelow(path.join('dist', folder), '.js')) {
      const source = path.relative('dist', file).replace(/\.js$/, '.ts');
      if (sources.has(source)) continue;
      await rm(path.join(ROOT, file), { force: true });
      await rm(path.join(ROOT, `${file}.map`), { force: true });
    }
  }
}

const exists = (file) =>
  stat(file).then(
    () => true,
    () => false,
  );
