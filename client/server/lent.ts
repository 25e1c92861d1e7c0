import { join } from 'node:path';
import { readJson, writeWhole } from '../../host/files.js';
import type { LentRecord, StateDirectory } from '../../model/machine/state-directory.js';
import type { Session } from './connection.js';

const recordOf = (state: StateDirectory, run: string): string => join(state.lent, encodeURIComponent(run));

/** Lends this machine to a run: its worker stays, and later commands start one again. Embedded servers need no note. */
export async function lend(state: StateDirectory, session: Session, run: string): Promise<void> {
  if (session.embedded) return;
  const { address, namespace } = session;
  const record: LentRecord = { run, address, namespace };
  await writeWhole(recordOf(state, run), JSON.stringify(record));
}

/** Whether this machine was lent to a run of this server, as far as this account may know. */
export async function isLent(state: StateDirectory, { address, namespace }: Session, run: string): Promise<boolean> {
  const record = await readJson<LentRecord>(recordOf(state, run)).catch(() => null);
  return record?.address === address && record.namespace === namespace;
}
