import { appendFile, rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ApplicationFailure } from '@temporalio/common';
import { writeWhole } from '../../files/atomic-file.js';
import { realise, rootPath } from './build-command.js';
import {
  readIdentity,
  readStart,
  readStatus,
  renewLease,
  type BuildRecord,
  type BuildStart,
  type BuildStatus,
} from './build-record.js';
import { isBuildAlive, RECORD_VARIABLE } from './build-session.js';
import { launchDetached } from '../../command/launcher.js';
import { memoryKills } from '../../command/memory-kills.js';
import { nixEnvironment, withoutOthers, withoutTokens, type TreatedSettings } from '../commands.js';
import { runNix } from '../run-nix.js';
import { endOrphanedBuilders } from './orphaned-builders.js';
import { withStartLock } from './start-lock.js';

/** What is built, and under which lease. */
export interface BuildOrder {
  readonly drvPath: string;
  readonly outPath: string;
  readonly nix: TreatedSettings;
  readonly leaseSeconds: number;
}

/**
 * Where a build stands. `lost`: its supervisor died without a word (killed, or the machine was), and so did its Nix.
 */
export type BuildState =
  { readonly kind: 'running' | 'lost' | 'none' } | { readonly kind: 'ended'; readonly status: BuildStatus };

export async function observeBuild(record: BuildRecord): Promise<BuildState> {
  const before = await readStatus(record);
  if (before !== null) return { kind: 'ended', status: before };
  if ((await readIdentity(record)) === null) return { kind: 'none' };
  if (await isBuildAlive(record)) return { kind: 'running' };
  // It may have ended between the two looks.
  const after = await readStatus(record);
  return after === null ? { kind: 'lost' } : { kind: 'ended', status: after };
}

/**
 * Makes sure that a build runs or has ended: a live one is left alone, one that ended by itself is never built again.
 * One that was lost, or ended because nobody followed it, counts as built if its output is there, and is started again
 * if not. However many attempts do this at once, one build is started: they are kept apart by the start lock, and two
 * supervisors by their claim of the identity file.
 */
export async function ensureBuild(record: BuildRecord, order: BuildOrder): Promise<void> {
  if (needsNoStart(await observeBuild(record))) return;
  await withStartLock(record.directory, async () => {
    const state = await observeBuild(record);
    if (needsNoStart(state)) return;
    if (state.kind !== 'none' && (await isThere(record, order.outPath))) {
      const status: BuildStatus = { kind: 'valid', code: 0, uptime: null };
      await writeWhole(record.status, JSON.stringify(status));
      return;
    }
    await forgetEnd(record);
    await endOrphanedBuilders(record);
    await startSupervised(record, {
      what: 'build',
      command: realise(order.drvPath, record.result, order.nix),
      env: buildEnvironment(order.nix),
      leaseSeconds: order.leaseSeconds,
    });
  });
}

const needsNoStart = (state: BuildState): boolean =>
  state.kind === 'running' ||
  (state.kind === 'ended' && (state.status.kind === 'exit' || state.status.kind === 'valid'));

/** The status first: an identity without one is a lost build, which the next attempt knows how to treat. */
export async function forgetEnd(record: BuildRecord): Promise<void> {
  await rm(record.status, { force: true });
  await rm(record.identity, { force: true });
}

/** Forgets how a build ended, so that it starts again; does nothing when it was started again already. */
export async function resetBuild(record: BuildRecord): Promise<void> {
  await withStartLock(record.directory, async () => {
    if ((await observeBuild(record)).kind === 'ended') await forgetEnd(record);
  });
}

/** Asks Nix whether the output is valid, and roots it. */
const isThere = async (record: BuildRecord, outPath: string): Promise<boolean> =>
  (await runNix('nix-store', rootPath(outPath, record.result))).exitCode === 0;

/** Wall time of an ended build in seconds; `null` when nobody saw its end. */
export async function buildSeconds(record: BuildRecord, status: BuildStatus): Promise<number | null> {
  const identity = await readIdentity(record);
  return identity === null || status.uptime === null ? null : Math.max(0, status.uptime - identity.uptime);
}

const SUPERVISOR = fileURLToPath(new URL('../../../../activities/nix/build/supervisor.sh', import.meta.url));
const CLAIM_MS = 10_000;

/** A command that outlives its worker. */
export interface Supervised {
  /** For people. */
  readonly what: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder that it starts in; default: that of the worker. */
  readonly directory?: string;
  readonly leaseSeconds: number;
}

/** Starts a command under a supervisor of its own, in a session of its own. Call it under the start lock of the record. */
export async function startSupervised(
  record: BuildRecord,
  { what, command, env, directory, leaseSeconds }: Supervised,
): Promise<void> {
  await noteStart(record, what);
  await renewLease(record, leaseSeconds);
  await launchDetached({
    command: '/bin/sh',
    args: [SUPERVISOR, record.directory, String(Math.ceil(leaseSeconds)), ...command],
    ...(directory === undefined ? {} : { cwd: directory }),
    env: { ...env, [RECORD_VARIABLE]: record.directory },
  });
  await claimed(record);
}

/** Waits until a supervisor has written who it is: from then on it is found, whatever becomes of this process. */
async function claimed(record: BuildRecord): Promise<void> {
  const deadline = Date.now() + CLAIM_MS;
  while ((await readIdentity(record)) === null) {
    if (Date.now() > deadline)
      throw ApplicationFailure.retryable(`The supervisor did not start. Is ${record.directory} writable?`);
    await sleep(20);
  }
}

async function noteStart(record: BuildRecord, what: string): Promise<void> {
  const logOffset = await stat(record.log).then(
    ({ size }) => size,
    () => 0,
  );
  const start: BuildStart = {
    startedAt: new Date().toISOString(),
    logOffset,
    memoryKills: await memoryKills(),
  };
  if ((await readStart(record)) !== null && logOffset > 0) {
    await appendFile(record.log, `\n== lockkeeper: the ${what} starts again, ${start.startedAt} ==\n`);
  }
  await rm(record.shortage, { force: true });
  await writeWhole(record.start, JSON.stringify(start));
}

/** Realising needs no access tokens. */
const buildEnvironment = ({ distrusted }: TreatedSettings): Record<string, string | undefined> =>
  distrusted === true ? withoutOthers(nixEnvironment()) : withoutTokens(nixEnvironment());
