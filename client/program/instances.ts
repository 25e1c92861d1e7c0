import { Option, type Command } from 'commander';
import { nearest } from '../../model/text/nearest.js';
import { oneLine } from '../../model/text/one-line.js';
import type { ApplyFlags } from '../commands/apply.js';
import type { CacheFlags } from '../commands/caches.js';
import type { ChannelFlags } from '../commands/channels.js';
import type { CheckFlags } from '../commands/config.js';
import type { RunFlags } from '../commands/run.js';
import type { ConfigFlags } from '../options/config-file.js';
import { CommandError } from '../errors.js';
import type { Declaration } from './declaration.js';

export function declareConfigured({ program, context, exit }: Declaration): void {
  program
    .command('run')
    .description('start a run of an instance of the configuration file')
    .argument('<instance>', 'name of the instance in the configuration file')
    .option('-w, --watch', 'follow the run to its end (exit status as for update)')
    .option('--with-worker', 'same as for update')
    .option('--strict', 'same as for update; needs --watch')
    .option(
      '--no-cooldown',
      'ignore the cooldown in the file and move inputs to their newest revisions: for an urgent fix',
    )
    .addOption(configOption())
    .action(async (instance: string, flags: RunFlags) => {
      exit(await (await import('../commands/run.js')).runInstance(context(), instance, flags));
    });
  program
    .command('apply')
    .description('make the schedules on the server match the configuration file, and print the changes')
    .option('--dry-run', 'print the changes without making them')
    .addOption(configOption())
    .action(async (flags: ApplyFlags) => {
      exit(await (await import('../commands/apply.js')).apply(context(), flags));
    });
  declareSchedules({ program, context, exit });
  declareChannels({ program, context, exit });
  declareCaches({ program, context, exit });
  declareConfig({ program, context, exit });
  // For the completion scripts alone.
  program
    .command('known-instances', { hidden: true })
    .addOption(configOption())
    .action(async (flags: ConfigFlags) => {
      exit(await (await import('../commands/known-instances.js')).knownInstances(flags));
    });
}

/** Branches of hosts, which need no server to be looked at. */
function declareChannels({ program, context, exit }: Declaration): void {
  const what = 'path or Git URL of a flake, or name of an instance';
  const channels = program
    .command('channels')
    .description('show the channel of each host: its commit, how far behind main it is, and why')
    .argument('[what]', what, '.')
    .option('--channel <template>', 'the channels of a flake', 'nixos-tested-{host}')
    .option('--remote <name>', 'remote of the checkout of a flake')
    .option('--main <branch>', "main branch of a flake (default: the remote's HEAD)")
    .addOption(configOption())
    .action(async (where: string, flags: ChannelFlags) => {
      exit(await (await import('../commands/channels.js')).channels(context(), where, flags));
    });
  channels
    .command('reset')
    .description('move a channel to the newest commit of main at which the host was built, also back')
    .argument('<host>', 'the host, or another target, as reports name it')
    .argument('[what]', what, '.')
    .option('--remove', 'remove the branch in its place')
    .action(async (host: string, where: string, _options: object, command: Command) => {
      const flags = command.optsWithGlobals<ChannelFlags & { readonly remove?: true }>();
      exit(await (await import('../commands/channels.js')).resetChannel(context(), host, where, flags));
    });
}

/** Where what is built is uploaded, which needs no server to be looked at. */
function declareCaches({ program, context, exit }: Declaration): void {
  program
    .command('caches')
    .description('list the binary caches of the configuration with their keys, and check them from this machine')
    .argument('[instance]', 'only the caches of this instance (default: all instances)')
    .option('--check', 'also upload a small path to each cache, and check that hosts could fetch it')
    .option(
      '--cache <cache>',
      'check this cache (as for update) instead of those in the configuration; repeatable',
      collect,
    )
    .addOption(configOption())
    .action(async (instance: string | undefined, flags: CacheFlags) => {
      exit(await (await import('../commands/caches.js')).caches(context(), instance ?? null, flags));
    });
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** What the configuration file says, without touching anything. */
function declareConfig({ program, context, exit }: Declaration): void {
  const config = program
    .command('config')
    .description('check the configuration file, show an instance with its defaults, or print the JSON Schema');
  config
    .command('check')
    .description('check the file, and that everything it names exists; prints all errors at once')
    .option('--file-only', 'check only the file, without its repositories')
    .addOption(configOption())
    .action(async (flags: CheckFlags) => {
      exit(await (await import('../commands/config.js')).checkConfig(context(), flags));
    });
  config
    .command('show')
    .description('print an instance with all its defaults')
    .argument('<instance>', 'name of the instance in the configuration file')
    .addOption(configOption())
    .action(async (instance: string, flags: ConfigFlags) => {
      exit(await (await import('../commands/config.js')).showConfig(context(), instance, flags));
    });
  config
    .command('schema')
    .description('print the JSON Schema of the file, for editors')
    .action(async () => {
      exit((await import('../commands/config.js')).printSchema());
    });
}

/** The schedules that the server has: no configuration file is needed for them. */
function declareSchedules({ program, context, exit }: Declaration): void {
  const instance = 'name of the instance';
  const schedules = program
    .command('schedules')
    .description('list the schedules of instances, with last result and next times')
    .allowExcessArguments()
    .action(async (_options: object, { args, commands }: Command) => {
      checkAction(
        args,
        commands.map((each) => each.name()),
      );
      exit(await (await import('../commands/schedules.js')).listSchedules(context()));
    });
  for (const action of ['pause', 'resume'] as const) {
    schedules
      .command(action)
      .description(action === 'pause' ? 'start no runs until the schedule is resumed' : 'start runs again')
      .argument('<instance>', instance)
      .option('-m, --message <text>', 'the reason, shown in schedules')
      .action(async (name: string, { message }: { message?: string }) => {
        const { pauseSchedule } = await import('../commands/schedules.js');
        exit(await pauseSchedule(context(), name, action, message ?? null));
      });
  }
  schedules
    .command('trigger')
    .description("start a run now with the schedule's own arguments, also while it is paused")
    .argument('<instance>', instance)
    .action(async (name: string) => {
      exit(await (await import('../commands/schedules.js')).triggerSchedule(context(), name));
    });
  schedules
    .command('backfill')
    .description('start the runs that were due in a period of time, one after another')
    .argument('<instance>', instance)
    .requiredOption('--from <time>', 'the first time, such as "2027-10-30 20:00 UTC"')
    .option('--to <time>', 'the last one (default: now)')
    .action(async (name: string, span: { from: string; to?: string }) => {
      exit(await (await import('../commands/schedules.js')).backfillSchedule(context(), name, span));
    });
}

/** Commander reports an unknown subcommand as a surplus argument. */
function checkAction([word]: readonly string[], known: readonly string[]): void {
  if (word === undefined) return;
  const near = nearest(word, known);
  const wayOut =
    near === null ? `There are ${known.join(', ')}; by itself it lists the schedules.` : `Did you mean "${near}"?`;
  throw new CommandError(`schedules has no "${oneLine(word, 100)}". ${wayOut}`);
}

const configOption = (): Option =>
  new Option(
    '--config <file>',
    'configuration file (default: $LOCKKEEPER_CONFIG, ./lockkeeper.toml or .json, the same in /etc/lockkeeper)',
  );
