import { stat, writeFile } from 'node:fs/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from '@temporalio/common';
import type { ActivityEnvironment } from '../../activities/environment.js';
import { formatSize } from '../../model/text/size.js';
import { DEFAULT_LIMITS } from '../../model/machine/retention.js';
import { pause } from '../../host/pause.js';
import { prune } from './prune.js';
import { askServer } from './runs.js';

const HOUR_MS = 3_600_000;
const LOOK_MS = 600_000;

/**
 * Cleans the state directory up once an hour until `ended` aborts, counting from the last time, be it another worker's:
 * one that a command brings lives for minutes.
 */
export async function pruneRegularly(
  client: Client,
  { state }: ActivityEnvironment,
  log: Logger,
  ended: AbortSignal,
): Promise<void> {
  do {
    const last = await stat(state.pruned).catch(() => null);
    if (last !== null && Math.abs(Date.now() - last.mtimeMs) < HOUR_MS) continue;
    try {
      const server = await askServer(client, true);
      const leavesMirrors = (): Promise<boolean> => Promise.resolve(false);
      const options = { state, limits: DEFAULT_LIMITS, server, leavesMirrors, dryRun: false, signal: ended };
      const { removed, failed } = await prune(options);
      await writeFile(state.pruned, '', { mode: 0o600 });
      const bytes = removed.reduce((sum, { item }) => sum + item.bytes, 0);
      if (removed.length > 0)
        log.info('the state directory was cleaned up', { removed: removed.length, size: formatSize(bytes) });
      for (const { item, error } of failed) log.warn('could not be removed', { path: item.path, error });
    } catch (error) {
      log.warn('the state directory could not be cleaned up', { error });
    }
  } while (await pause(LOOK_MS, ended));
}
