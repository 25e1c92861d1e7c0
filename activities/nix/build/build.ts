import { exists, writeWhole } from '../../../host/files.js';
import { endOrphanedBuilders } from '../../supervised/orphaned-builders.js';
import type { CommandRecord, CommandStatus } from '../../supervised/record.js';
import { withStartLock } from '../../supervised/start-lock.js';
import { startSupervised } from '../../supervised/start.js';
import { forgetEnd, observe, type CommandState } from '../../supervised/state.js';
import { nixEnvironment, withoutOthers, withoutTokens } from '../../../host/nix/environment.js';
import type { TreatedSettings } from '../commands.js';
import { readDerivation } from '../read-derivation.js';
import { runNix } from '../run-nix.js';
import { realise, rootPath } from './build-command.js';

export interface BuildOrder {
  readonly drvPath: string;
  readonly outPath: string;
  readonly nix: TreatedSettings;
  readonly leaseSeconds: number;
}

/**
 * Makes sure that a build runs or has ended: a live one is left alone, one that ended by itself is never built again.
 * One that has nothing to do is not started. One that was lost, or ended because nobody followed it, counts as built if its
 * output is there, and is started again if not. However many attempts do this at once, one build is started: they are kept apart by the start lock, and two
 * supervisors by their claim of the identity file.
 */
export async function ensureBuild(record: CommandRecord, order: BuildOrder): Promise<void> {
  if (needsNoStart(await observe(record))) return;
  await withStartLock(record.directory, async () => {
    const state = await observe(record);
    if (needsNoStart(state)) return;
    // Whoever asks Nix needs no supervisor.
    const mayBeThere = state.kind === 'none' ? await isAllThere(order) : true;
    if (mayBeThere && (await isThere(record, order.outPath))) {
      const status: CommandStatus = { kind: 'valid', code: 0, uptime: null };
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

const needsNoStart = (state: CommandState): boolean =>
  state.kind === 'running' ||
  (state.kind === 'ended' && (state.status.kind === 'exit' || state.status.kind === 'valid'));

/** Whether what the derivation makes seems to be in the store, all of it: most hosts of a fleet were built before. */
async function isAllThere({ drvPath, outPath }: BuildOrder): Promise<boolean> {
  return (await exists(outPath)) && (await readDerivation(drvPath))?.outputs.length === 1;
}

const isThere = async (record: CommandRecord, outPath: string): Promise<boolean> =>
  (await runNix('nix-store', rootPath(outPath, record.result))).exitCode === 0;

/** Realising needs no access tokens. */
const buildEnvironment = ({ distrusted }: TreatedSettings): Record<string, string | undefined> =>
  distrusted === true ? withoutOthers(nixEnvironment()) : withoutTokens(nixEnvironment());
