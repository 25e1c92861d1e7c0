import { PROTECTED_PATHS } from '../../autofix/protected-paths.js';
import { AGENT_NETWORKS } from '../../sandbox/sandbox.js';
import { checkAgentArgument, checkAgentCommand, checkHomePath, checkPathPattern } from '../../checks/names.js';
import type { RunOptions } from '../../run/options.js';
import { commaList, flag, listOf, maybe, oneOf, secretFile, size, span, text, whole } from '../kinds.js';
import { option, type Values } from './types.js';

const needs = ['autoFix.enable'];
const MIB = 1024 ** 2;

export const agent = {
  autoFix: {
    doc: 'A coding agent that tries to fix targets that break.',
    options: {
      enable: option(flag, false, 'true', 'whether to use it'),
      command: option(
        text('a command', checkAgentCommand),
        'pir',
        '"claude"',
        'the agent: a command on the PATH of the worker, or an absolute path',
        {
          flag: '--autofix <command>',
          help: 'the agent: `COMMAND ARGUMENTS… -p PROMPT`, in a copy of the repository',
          turnsOn: 'autoFix.enable',
        },
      ),
      extraArgs: option(
        listOf(text('an argument', checkAgentArgument), 'arguments'),
        [],
        '["--no-session"]',
        'its arguments before `-p PROMPT`; `{prompt}` or `{promptFile}` in one of them stands for that',
        { flag: '--autofix-arg <argument>', needs },
      ),
      maxAttempts: option(whole(1, 20), 3, '2', 'attempts for each broken target', {
        flag: '--max-attempts <n>',
        needs,
      }),
      envFile: option(
        maybe(secretFile),
        null,
        '"/run/secrets/agent.env"',
        'file of `NAME=VALUE` lines, passed only to the agent',
        { flag: '--autofix-env-file <file>', needs },
      ),
      timeoutSec: option(span(1), 1800, '"1h"', 'how long an attempt may take', {
        flag: '--autofix-timeout <span>',
        needs,
      }),
      homePaths: option(
        listOf(text('a path', checkHomePath), 'paths'),
        [],
        '[".config/pir"]',
        'paths below the home of the worker’s user that the agent may read',
        {
          flag: '--autofix-home-path <path>',
          help: 'path below your home that the agent may read, such as `.config/agent`',
          needs,
        },
      ),
      network: option(
        oneOf(AGENT_NETWORKS),
        'outside',
        '"none"',
        'network of the agent: everything except this machine (`outside`), nothing (`none`), or everything that this machine reaches, including its own services (`host`)',
        { flag: '--autofix-network <range>', needs },
      ),
      nixDaemon: option(
        flag,
        false,
        'true',
        'let the agent use the Nix daemon, if that does not trust the user of the worker; without this it has a store of its own',
        { flag: '--autofix-nix-daemon', needs },
      ),
      protectedPaths: option(
        commaList(text('a pattern', checkPathPattern), 'patterns'),
        PROTECTED_PATHS,
        '["secrets/**"]',
        'files that it must not change, besides `flake.lock`, as in a `.gitignore`',
        {
          flag: '--autofix-protect <patterns>',
          help: 'files that it must not change, instead of the default list, as in a `.gitignore`',
          needs,
        },
      ),
      maxFiles: option(whole(1, 10_000), 20, '5', 'most files that a fix may change', {
        flag: '--autofix-max-files <n>',
        needs,
      }),
      maxLines: option(whole(1, 1_000_000), 500, '100', 'most lines that a fix may change', {
        flag: '--autofix-max-lines <n>',
        needs,
      }),
      maxMemory: option(
        maybe(size(MIB)),
        null,
        '"4G"',
        'most memory of the agent and its processes together (default: half of the machine’s)',
        { flag: '--autofix-max-memory <size>', needs },
      ),
      maxProcesses: option(
        maybe(whole(1, 1_000_000)),
        null,
        '512',
        'most processes and threads of the agent (default: 2048)',
        { flag: '--autofix-max-processes <n>', needs },
      ),
      maxDisk: option(
        maybe(size(MIB)),
        null,
        '"10G"',
        'most disk space of the agent (default: 20 GiB, or half of the free space if that is less)',
        { flag: '--autofix-max-disk <size>', needs },
      ),
      maxDiskFiles: option(
        maybe(whole(1, 1_000_000_000)),
        null,
        '100000',
        'most files and folders of the agent (default: 1000000)',
        { flag: '--autofix-max-disk-files <n>', needs },
      ),
    },
  },
};

export function agentOf({ autoFix }: Values<typeof agent>): Pick<RunOptions, 'autofix'> {
  if (!autoFix.enable) return { autofix: null };
  const { command, extraArgs, envFile, homePaths, network, nixDaemon, maxAttempts, timeoutSec } = autoFix;
  const limits = {
    ...(autoFix.maxMemory === null ? {} : { memoryBytes: autoFix.maxMemory }),
    ...(autoFix.maxProcesses === null ? {} : { tasks: autoFix.maxProcesses }),
    ...(autoFix.maxDisk === null ? {} : { diskBytes: autoFix.maxDisk }),
    ...(autoFix.maxDiskFiles === null ? {} : { files: autoFix.maxDiskFiles }),
  };
  return {
    autofix: {
      command,
      args: extraArgs,
      envFile,
      homePaths,
      network,
      nixDaemon,
      ...(Object.keys(limits).length === 0 ? {} : { limits }),
      maxAttempts,
      timeoutSeconds: timeoutSec,
      rules: { protected: autoFix.protectedPaths, maxFiles: autoFix.maxFiles, maxLines: autoFix.maxLines },
    },
  };
}
