import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import webpack from 'webpack';
import { BUNDLE, CODE_CACHE, OWN_ADDRESS } from '../client/program/bundle.js';

/** Puts the compiled client into one file, and keeps what V8 makes of it: see client/program/bundle.ts. */
const built = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));

// V8 knows the source of a cache by its length alone: never may an old cache stand beside a new bundle.
await rm(CODE_CACHE, { force: true });
await bundle();
await writeFile(BUNDLE, toAscii(await readFile(BUNDLE, 'utf8')));
await keepCompiled();

async function bundle(): Promise<void> {
  const compiler = webpack({
    mode: 'production',
    target: 'node20',
    entry: built('client/main.js'),
    output: { path: dirname(BUNDLE), filename: basename(BUNDLE), library: { type: 'commonjs' } },
    // protobufjs finds the first by itself, past the bundle; few commands need the second.
    externals: { long: 'commonjs long', openpgp: 'commonjs openpgp' },
    optimization: { minimize: false, nodeEnv: false },
    node: { __filename: false, __dirname: false },
    module: { parser: { javascript: { importMeta: false, dynamicImportMode: 'eager' } } },
    plugins: [new webpack.DefinePlugin({ 'import.meta.url': OWN_ADDRESS })],
    // Data converters that are named by path, which the client has none of.
    ignoreWarnings: [/the request of a dependency is an expression/],
  });
  const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
    compiler.run((error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
  if (stats === undefined || stats.hasErrors() || stats.hasWarnings()) {
    throw new Error(`the client cannot be bundled: ${stats?.toString('errors-warnings') ?? 'no result'}`);
  }
}

/** A text of one byte a character is read several times as quickly. */
function toAscii(code: string): string {
  return code.replace(/[\u0080-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Runs a command that gets as far as Git, and writes down what was compiled for it. */
async function keepCompiled(): Promise<void> {
  const noRepository = mkdtempSync(join(tmpdir(), 'lockkeeper-build-'));
  const unfinished = `${CODE_CACHE}.new`;
  try {
    spawnSync(process.execPath, [built('scripts/warm-client.js'), unfinished, noRepository], { stdio: 'ignore' });
    await rename(unfinished, CODE_CACHE);
  } finally {
    rmdirSync(noRepository);
  }
}
