import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cacheKindName } from '../../model/caches/kinds/index.js';
import type { CacheKindName } from '../../model/caches/kind-names.js';
import { cacheName } from '../../model/caches/name.js';
import { secretFilesOfCache } from '../../model/caches/secret-files.js';
import type { Cache } from '../../model/caches/types.js';
import { readPathInfo, type PathInfo } from '../../model/closure/path-info.js';
import { optionPairs } from '../../model/nix/options.js';
import { parseNixVersion } from '../../model/nix/version.js';
import type { NixSettings } from '../../model/run/options.js';
import { messageOf } from '../../model/text/message-of.js';
import type { CommandEnd, CommandOptions } from '../command.js';
import { nixEnvironment } from '../nix/environment.js';
import { nixErrorMessage } from '../nix/error-message.js';
import { CacheFault } from './fault.js';
import { secretOf } from './secrets.js';
import { handlerOf, keysOf, lookAt, type PathFault } from './shelf.js';
import { publicHalf } from './signature.js';

/** How a cache stands, as this machine sees it. `null` is what was not tried. */
export interface CheckedCache {
  /** `cacheName` of its address. */
  readonly cache: string;
  readonly kind: CacheKindName;
  readonly required: boolean;
  readonly priority: number;
  /** Name of the key that signs what is copied there; `null` where it signs by itself, or nobody does. */
  readonly signedBy: string | null;
  /** Names of the keys by one of which each path has to be signed; `null` where that is not looked at. */
  readonly trusted: readonly string[] | null;
  readonly reachable: boolean | null;
  readonly writable: boolean | null;
  /** Why it is of no use, in one line; `null` when it is, as far as was tried. */
  readonly fault: string | null;
}

/**
 * How far a cache is tried: `files` looks at no more than the files that it names, `reach` asks it for a path, `write` uploads a small
 * path and looks whether hosts could fetch it.
 */
export type CheckDepth = 'files' | 'reach' | 'write';

export interface Checking {
  readonly nix: NixSettings;
  readonly signal: AbortSignal;
  /** Runs a program with the person's rights. */
  readonly run: (program: string, args: readonly string[], options: CommandOptions) => Promise<CommandEnd>;
}

const TIMEOUT_MS = 60_000;
const SECRET = { noun: 'secret', toMake: 'write it', most: 64 * 1024 };

/** Tries a cache as an upload would use it, on this machine and as this user. Never throws. */
export async function checkCache(cache: Cache, depth: CheckDepth, checking: Checking): Promise<CheckedCache> {
  const { to, required, priority, secretKeyFile } = cache;
  const found = {
    ...{ cache: cacheName(to), kind: cacheKindName(to) ?? 'file', required, priority },
    ...{ signedBy: null as string | null, trusted: null as readonly string[] | null },
    ...{ reachable: null as boolean | null, writable: null as boolean | null, fault: null as string | null },
  };
  try {
    for (const file of secretFilesOfCache(cache)) await secretOf('the file', file, SECRET);
    const ownKey = secretKeyFile === undefined ? null : await publicHalf(secretKeyFile);
    if (ownKey !== null) found.signedBy = ownKey.replace(/:.*$/s, '');
    const keys = await keysOf(cache);
    found.trusted = keys === null ? null : [...keys.keys()];
    if (ownKey !== null && cache.trustedKeys !== undefined && !cache.trustedKeys.includes(ownKey))
      throw new CacheFault(`${String(secretKeyFile)} signs as ${ownKey}, which is not one of trustedKeys`, false);
    if (depth === 'files') return found;
    await inScratch(async (scratch) => {
      const probe = await makeProbe(scratch, checking, depth === 'write');
      const asking = { ...checking, clientCache: path.join(scratch, 'cache'), ask: asker(checking) };
      found.reachable = false;
      await handlerOf(cache).look(cache, [probe], asking);
      found.reachable = true;
      if (depth === 'reach') return;
      found.writable = false;
      await upload(cache, probe, scratch, checking);
      await rm(asking.clientCache, { recursive: true, force: true });
      const fault = (await lookAt(cache, [probe], keys, asking)).get(probe);
      found.writable = fault === undefined;
      if (fault !== undefined) throw new CacheFault(`a small path was uploaded, but ${WORDS[fault]}`, false);
    });
  } catch (error) {
    found.fault = messageOf(error);
  }
  return found;
}

const WORDS: Readonly<Record<PathFault, string>> = {
  missing: 'is not there',
  'archive-missing': 'its archive is not there, or not whole',
  'other-content': 'is there with other content',
  unsigned: 'is not signed by a key that hosts trust',
};

const asker =
  ({ run }: Checking) =>
  (args: readonly string[], options: CommandOptions): Promise<CommandEnd> =>
    run('nix', args, { ...options, timeoutMs: TIMEOUT_MS });

async function inScratch<T>(work: (scratch: string) => Promise<T>): Promise<T> {
  const scratch = await mkdtemp(path.join(tmpdir(), 'lockkeeper-cache-'));
  try {
    return await work(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A path that no cache has; where nothing is uploaded it need not be in the store. */
async function makeProbe(scratch: string, { run, signal, nix }: Checking, isStored: boolean): Promise<PathInfo> {
  if (!isStored)
    return {
      ...{ path: '/nix/store/00000000000000000000000000000000-lockkeeper-check', narSize: 0, deriver: null },
      ...{ references: [], signatures: [], isContentAddressed: false },
    };
  const file = path.join(scratch, 'lockkeeper-check');
  await writeFile(file, `lockkeeper caches --check, ${new Date().toISOString()}\n`);
  const asked = async (program: string, args: readonly string[]): Promise<string> => {
    const end = await run(program, args, { env: nixEnvironment(), signal, timeoutMs: TIMEOUT_MS });
    if (end.exitCode === 0) return end.stdout;
    const why = end.notFound ? `there is no ${program} on the PATH` : nixErrorMessage(end.stderr);
    throw new CacheFault(`this machine cannot make a path to upload: ${why}`, true);
  };
  const stored = (await asked('nix-store', ['--add', file])).trim();
  const words = ['--extra-experimental-features', 'nix-command', ...optionPairs(nix.options), '--json', '--', stored];
  const [info] = readPathInfo(await asked('nix', ['path-info', ...words]));
  if (info === undefined) throw new CacheFault(`this machine lost ${stored}`, true);
  // It needs no signature, and gets one like any other.
  return { ...info, isContentAddressed: false };
}

/** @throws CacheFault with what the program says */
async function upload(cache: Cache, probe: PathInfo, scratch: string, { run, signal, nix }: Checking): Promise<void> {
  const asked = await run('nix', ['--version'], { env: nixEnvironment(), signal, timeoutMs: TIMEOUT_MS });
  const version = parseNixVersion(asked.stdout) ?? { major: 2, minor: 8, text: '' };
  const using = { nix, version, clientCache: path.join(scratch, 'upload') };
  const { command, env } = await handlerOf(cache).upload(cache, [probe.path], using);
  const [program = '', ...args] = command;
  const end = await run(program, args, { env, signal, timeoutMs: TIMEOUT_MS });
  if (end.exitCode === 0) return;
  const why = end.notFound
    ? `there is no ${program} on the PATH`
    : end.exceeded === 'time'
      ? `no end within ${TIMEOUT_MS / 1000} s`
      : nixErrorMessage(end.stderr === '' ? end.stdout : end.stderr);
  throw new CacheFault(`it takes no upload: ${why}`, true);
}
