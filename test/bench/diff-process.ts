import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import type { Closure } from '../../model/closure/closure.js';
import { compareClosures } from '../../model/closure/compare-closures.js';
import { splitName } from '../../model/closure/package-name.js';
import { readPathInfo } from '../../model/closure/path-info.js';

/**
 * Compares two closures by what `nix path-info --json` said of them: `node diff-process.js BEFORE AFTER`. Prints how many packages
 * differ, the seconds that it took from the files to the answer, and the bytes that the process had in memory at most.
 */
const read = async (file: string): Promise<Closure> => ({
  paths: readPathInfo(await readFile(file, 'utf8')).map(({ path, narSize }) => ({
    ...{ path, narSize, name: splitName(path.slice('/nix/store/'.length + 33)) },
  })),
  selected: new Set(),
});

const [before = '', after = ''] = process.argv.slice(2);
const start = performance.now();
const { packages } = compareClosures(await read(before), await read(after));
const seconds = (performance.now() - start) / 1000;
console.log(
  JSON.stringify({ packages: packages.length, seconds, bytes: process.resourceUsage().maxRSS * 1024 } satisfies Diffed),
);

export interface Diffed {
  readonly packages: number;
  readonly seconds: number;
  readonly bytes: number;
}
