import { rm } from 'node:fs/promises';
import { readIdentity, readStatus, type CommandRecord, type CommandStatus } from './record.js';
import { isRunning } from './session.js';
import { withStartLock } from './start-lock.js';

/** Where a command stands. `lost`: its supervisor died without a word (killed, or the machine was), and so did the command. */
export type CommandState =
  { readonly kind: 'running' | 'lost' | 'none' } | { readonly kind: 'ended'; readonly status: CommandStatus };

export async function observe(record: CommandRecord): Promise<CommandState> {
  const before = await readStatus(record);
  if (before !== null) return { kind: 'ended', status: before };
  if ((await readIdentity(record)) === null) return { kind: 'none' };
  if (await isRunning(record)) return { kind: 'running' };
  // It may have ended between the two looks.
  const after = await readStatus(record);
  return after === null ? { kind: 'lost' } : { kind: 'ended', status: after };
}

/** The status first: an identity without one is a lost command, which the next attempt knows how to treat. */
export async function forgetEnd(record: CommandRecord): Promise<void> {
  await rm(record.status, { force: true });
  await rm(record.identity, { force: true });
}

/** Forgets how a command ended, so that it starts again; does nothing when it was started again already. */
export async function forgetIfEnded(record: CommandRecord): Promise<void> {
  await withStartLock(record.directory, async () => {
    if ((await observe(record)).kind === 'ended') await forgetEnd(record);
  });
}

/** Wall time of an ended command in seconds; `null` when nobody saw its end. */
export async function wallSeconds(record: CommandRecord, status: CommandStatus): Promise<number | null> {
  const identity = await readIdentity(record);
  return identity === null || status.uptime === null ? null : Math.max(0, status.uptime - identity.uptime);
}
