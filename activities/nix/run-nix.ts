import { ApplicationFailure } from '@temporalio/common';
import { launch } from '../launcher.js';
import type { Finished, RunOptions } from '../process.js';
import { nixEnvironment } from './commands.js';
import { nixErrorMessage } from './error-message.js';
import { faultOf, type Fault } from './faults.js';
import { nixUnusable } from './version.js';

/**
 * Runs one of Nix's commands and gives what came out, whatever its exit status.
 * @throws `NixUnusable` when the command is missing or flakes cannot be enabled
 */
export async function runNix(
  command: 'nix' | 'nix-instantiate' | 'nix-store',
  args: readonly string[],
  options: Omit<RunOptions, 'env'> = {},
): Promise<Finished> {
  const finished = await launch(command, args, { graceMs: 1000, ...options, env: nixEnvironment() });
  if (finished.notFound) throw nixUnusable(`there is no \`${command}\` on the PATH of the worker`);
  if (finished.exitCode !== 0 && faultOf(finished)?.kind === 'nix') {
    throw nixUnusable(`flakes cannot be enabled: ${nixErrorMessage(finished.stderr)}`);
  }
  return finished;
}

/** The failure by which Temporal tries again what machine or network kept from happening. */
export const faultFailure = (doing: string, fault: Fault, finished: Finished): ApplicationFailure =>
  ApplicationFailure.retryable(`${doing}: ${fault.what}. ${nixErrorMessage(finished.stderr)}`, 'NixFault');
