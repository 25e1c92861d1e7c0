import { PROTECTED_PATHS } from '../../model/autofix/path-pattern.js';
import {
  checkAgentArgument,
  checkAgentCommand,
  checkHomePath,
  checkPathPattern,
  checkPathPatterns,
} from '../../model/checks/names.js';
import { AUTOFIX } from '../../model/run/defaults.js';
import type { AutofixOptions } from '../../model/run/options.js';
import { CommandError } from '../errors.js';
import { checkSecretFile } from './secret-files.js';
import type { UpdateFlags } from './update-flags.js';

/** Options that say something about an agent, which there has to be. */
const ABOUT_AGENT = [
  ['autofixArg', '--autofix-arg'],
  ['autofixEnvFile', '--autofix-env-file'],
  ['autofixHomePath', '--autofix-home-path'],
  ['autofixNetwork', '--autofix-network'],
  ['autofixNixDaemon', '--autofix-nix-daemon'],
  ['autofixProtect', '--autofix-protect'],
  ['autofixMaxFiles', '--autofix-max-files'],
  ['autofixMaxLines', '--autofix-max-lines'],
  ['autofixTimeout', '--autofix-timeout'],
  ['maxAttempts', '--max-attempts'],
] as const;

/** The agent that may mend what broke, from what a person typed; `null` when there is none. */
export async function autofixOptions(flags: UpdateFlags): Promise<AutofixOptions | null> {
  if (flags.autofix === undefined) {
    const given = ABOUT_AGENT.find(([flag]) => flags[flag] !== undefined);
    if (given !== undefined) throw new CommandError(`${given[1]} is for an agent: name its command with --autofix.`);
    return null;
  }
  const envFile = flags.autofixEnvFile;
  return {
    command: checkAgentCommand(flags.autofix),
    args: (flags.autofixArg ?? []).map((arg) => checkAgentArgument(arg)),
    envFile: envFile === undefined ? null : await checkSecretFile(envFile, '--autofix-env-file'),
    homePaths: (flags.autofixHomePath ?? []).map((each) => checkHomePath(each)),
    network: flags.autofixNetwork ?? AUTOFIX.network,
    nixDaemon: flags.autofixNixDaemon ?? false,
    maxAttempts: flags.maxAttempts ?? AUTOFIX.maxAttempts,
    timeoutSeconds: flags.autofixTimeout ?? AUTOFIX.timeoutSeconds,
    rules: {
      protected: checkPathPatterns(flags.autofixProtect?.map((each) => checkPathPattern(each)) ?? PROTECTED_PATHS),
      maxFiles: flags.autofixMaxFiles ?? AUTOFIX.maxFiles,
      maxLines: flags.autofixMaxLines ?? AUTOFIX.maxLines,
    },
  };
}
