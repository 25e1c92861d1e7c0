import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LentRecord, StateDirectory } from '../../model/machine/state-directory.js';
import type { Session } from './connection.js';
import { readRecord } from './state-files.js';

const recordOf = (state: StateDirectory, run: string): string => join(state.lent, encodeURIComponent(run));

/**
 * Notes that this machine is lent to a run: its worker stays for it, and later commands bring one again. For runs of the embedded
 * server it does so anyway.
 */
export async function lend(state: StateDirectory, session: Session, run: string): Promise<void> {
  if (session.embedded) return;
  const { address, namespace } = session;
  const record: LentRecord = { run, address, namespace };
  await mkdir(state.lent, { recursive: true, mode: 0o700 });
  const file = recordOf(state, run);
  await writeFile(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** Whether this machine was lent to a run of this server. */
export async function isLent(state: StateDirectory, { address, namespace }: Session, run: string): Promise<boolean> {
  const record = await readRecord<LentRecord>(recordOf(state, run));
  return record?.address === address && record.namespace === namespace;
}
