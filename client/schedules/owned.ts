import type { ScheduleSummary } from '@temporalio/client';
import { compareNaturally } from '../../model/text/natural-order.js';
import type { Session } from '../server/connection.js';
import type { Ownership } from './desired.js';

/** The schedules that Lockkeeper made, whatever the configuration, by id. */
export async function listOwned(session: Session): Promise<readonly Owned[]> {
  const found: Owned[] = [];
  for await (const summary of session.client.schedule.list({ pageSize: 500 })) {
    const ownership = ownershipOf(summary.memo);
    if (ownership !== null) found.push({ ...summary, ...ownership });
  }
  return found.sort((a, b) => compareNaturally(a.scheduleId, b.scheduleId));
}

export interface Owned extends ScheduleSummary {
  /** Name of the configuration. */
  readonly lockkeeper: string;
  readonly instance: string;
}

export function ownershipOf(memo: Readonly<Record<string, unknown>> | undefined): Ownership | null {
  const { lockkeeper, instance } = memo ?? {};
  return typeof lockkeeper === 'string' && typeof instance === 'string' ? { lockkeeper, instance } : null;
}
