import { spawn } from 'node:child_process';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { aptInstall } from './system-packages.mjs';
import { ROOT, TOOLS, Unavailable, isProgram, lastLines, onPath, run, versionOf, warn } from './steps.mjs';

/** Later versions cannot be installed by `go install`: their go.mod holds a replace directive. */
const MODULE = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';
const OLDEST_CLI = [1, 5, 1];
/** How long to wait for the first bytes of a download, and later for the next ones, in milliseconds. */
const FIRST_BYTES_MS = 6_000;
const MORE_BYTES_MS = 20_000;
/** Where a download and `go install` put it; the product looks here too. */
const INSTALLED = path.join(TOOLS, 'bin', 'temporal');
/** From Go 1.21 on, Go fetches the version that a module asks for (1.25 here) by itself. */
const OLDEST_GO = [1, 21];

/** Finds the Temporal CLI, downloads or builds it, and notes its path in `.cache/temporal-path` for the demo and the tests. */
export async function temporalCli() {
  const { file, from } = (await existing()) ?? (await download()) ?? (await goInstall());
  const version = await versionOf(file);
  if (version === null) throw new Unavailable(`${file} (${from}) does not run; remove it or set $TEMPORAL_CLI`);
  await mkdir(path.join(ROOT, '.cache'), { recursive: true });
  await writeFile(path.join(ROOT, '.cache', 'temporal-path'), `${file}\n`);
  return `${version} (${file}, ${from})`;
}

async function existing() {
  const named = process.env.TEMPORAL_CLI;
  if (named !== undefined && named !== '') {
    if (!(await isProgram(named))) throw new Unavailable(`$TEMPORAL_CLI is ${named}, which is no program`);
    return { file: path.resolve(named), from: '$TEMPORAL_CLI' };
  }
  const found = await onPath('temporal');
  if (found !== null) return { file: found, from: 'PATH' };
  if (await isProgram(INSTALLED)) return { file: INSTALLED, from: 'got before' };
  return null;
}

/**
 * Lets Temporal's SDK download the CLI. Gives `null` where that fails: offline, behind a dead proxy, on a machine that
 * there is no binary for. The file is moved to its place once it is complete and runs, so a broken download is never used.
 */
async function download() {
  const folder = path.join(TOOLS, 'download');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  warn('downloading the Temporal CLI, if it can be reached …');
  const program = path.join(ROOT, 'scripts', 'setup', 'sdk-download.mjs');
  const child = spawn(process.execPath, [program, folder], { cwd: ROOT, stdio: 'ignore' });
  try {
    const file = await complete(folder, child);
    const version = file && /version (\d+)\.(\d+)\.(\d+)/.exec((await versionOf(file)) ?? '');
    if (!version || !atLeast(version.slice(1).map(Number), OLDEST_CLI)) return null;
    await mkdir(path.dirname(INSTALLED), { recursive: true });
    await rename(file, INSTALLED);
    return { file: INSTALLED, from: "the SDK's download" };
  } finally {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

/** Path of the downloaded file once it is complete; `null` when the download failed, or no bytes came for too long. */
async function complete(folder, child) {
  let size = 0;
  let deadline = Date.now() + FIRST_BYTES_MS;
  while (child.exitCode === null && child.signalCode === null && Date.now() < deadline) {
    await setTimeout(100);
    const [name] = await readdir(folder);
    if (name === undefined) continue;
    const file = path.join(folder, name);
    // The SDK renames the file when it has all of it.
    if (!name.endsWith('.downloading')) return file;
    const now = await stat(file).then(
      (found) => found.size,
      () => 0,
    );
    if (now > size) deadline = Date.now() + MORE_BYTES_MS;
    size = now;
  }
  return null;
}

async function goInstall() {
  const go = await findGo();
  warn(`building the Temporal CLI (go install ${MODULE}), which takes some minutes …`);
  const env = { GOBIN: path.dirname(INSTALLED), GOTOOLCHAIN: 'auto', GOFLAGS: '-mod=mod', CGO_ENABLED: '0' };
  const { status, output } = await run(go, ['install', MODULE], { env, cwd: os.tmpdir() });
  if (status === 0) return { file: INSTALLED, from: 'built now' };
  throw new Unavailable(`go install ${MODULE} failed: ${lastLines(output)}\n    ${OTHERWISE}`);
}

const OTHERWISE =
  'Install the Temporal CLI so that `temporal` is on the PATH, or set $TEMPORAL_CLI to it (docs.temporal.io/cli).';

/** A Go that can do, from the PATH, from Debian's packages, or (unpacked for this project alone) from a newer Debian's. */
async function findGo() {
  const found = await onPath('go');
  if (found !== null && (await canDo(found))) return found;
  const reason = (await debianOffersGo()) ? await aptInstall(['golang-go']) : 'this Debian has no Go 1.21';
  const installed = await onPath('go');
  if (installed !== null && (await canDo(installed))) return installed;
  const unpacked = path.join(TOOLS, 'go', 'bin', 'go');
  if (await isProgram(unpacked)) return unpacked;
  warn('getting Go from a newer Debian for this project alone …');
  const { status, output } = await run(path.join(ROOT, 'scripts', 'get-go'), ['trixie', path.join(TOOLS, 'go')]);
  if (status === 0 && (await canDo(unpacked))) return unpacked;
  const why = `no Temporal CLI was found and there is no Go 1.21 or newer to build it (${reason ?? 'too old'}; ${lastLines(output, 1)})`;
  throw new Unavailable(`${why}. ${OTHERWISE} Or install Go.`);
}

async function canDo(go) {
  const found = /go(\d+)\.(\d+)/.exec((await versionOf(go, ['version'])) ?? '');
  return found !== null && atLeast([Number(found[1]), Number(found[2])], OLDEST_GO);
}

/** Whether apt's candidate for golang-go is new enough; its version looks like `2:1.24~2`. */
async function debianOffersGo() {
  const { output } = await run('apt-cache', ['policy', 'golang-go'], { env: { LC_ALL: 'C' } });
  const found = /Candidate: (?:\d+:)?(\d+)\.(\d+)/.exec(output);
  return found !== null && atLeast([Number(found[1]), Number(found[2])], OLDEST_GO);
}

/** Compares versions by their numbers, both of the same length. */
function atLeast(version, oldest) {
  const differs = version.findIndex((part, index) => part !== oldest[index]);
  return differs === -1 || version[differs] > oldest[differs];
}
