import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ROOT, Unavailable, lastLines, run, warn } from './steps.mjs';

const QUIET = ['--no-audit', '--no-fund', '--no-progress'];

/** Installs the packages of package-lock.json, unless exactly these are there. */
export async function npmPackages() {
  const wanted = await packages('package-lock.json');
  if (isInstalled(wanted, await packages('node_modules/.package-lock.json'))) return 'up to date';
  warn('installing npm packages (npm ci) …');
  let result = await run('npm', ['ci', ...QUIET]);
  // A registry that offers no packages for other platforms makes `npm ci` call the lock incomplete (EUSAGE). `npm install`
  // leaves out what is optional, and still takes every version from the lock.
  if (result.output.includes('EUSAGE')) result = await run('npm', ['install', '--no-save', ...QUIET]);
  if (result.status === 127) throw new Unavailable('no npm on the PATH; install it (Debian: apt-get install npm)');
  if (result.status !== 0) throw new Unavailable(`npm could not install them: ${lastLines(result.output, 8)}`);
  return 'installed';
}

/** npm leaves a list of what it installed in node_modules, so no stamp of our own can be wrong about it. */
async function packages(file) {
  try {
    return JSON.parse(await readFile(path.join(ROOT, file), 'utf8')).packages ?? null;
  } catch {
    return null;
  }
}

/** Packages for other platforms are optional and may be absent; every other one has to have the locked version. */
function isInstalled(wanted, installed) {
  if (wanted === null || installed === null) return false;
  const asLocked = ([name, { version, optional, devOptional }]) =>
    name === '' ||
    (installed[name] === undefined ? Boolean(optional ?? devOptional) : installed[name].version === version);
  return Object.entries(wanted).every(asLocked) && Object.keys(installed).every((name) => name in wanted);
}
