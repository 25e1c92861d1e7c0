import { resolve } from 'node:path';
import { Argument, Option, type Command } from 'commander';
import { SIGNING_FORMATS, type SigningFormat } from '../../model/git/signing.js';
import type { DeclaredOptions } from '../../model/machine/declared-option.js';
import { FORGE_KINDS, type ForgeKind } from '../../model/forge/kinds.js';
import { PRUNE_OPTIONS } from '../../model/machine/prune-options.js';
import { WORKER_OPTIONS } from '../../model/machine/worker-options.js';
import { HOOK_PORT, LOOPBACK } from '../../model/hooks/defaults.js';
import { portNumber, positiveInteger } from './arguments.js';
import type { HookFlags } from '../commands/hooks.js';
import type { SystemdUnitsOptions } from '../commands/systemd-units.js';
import { SHELLS, type Shell } from '../completion/index.js';
import { CommandError } from '../errors.js';
import type { Declaration } from './declaration.js';

interface DoctorOptions {
  readonly signingKeyFile?: string;
  readonly signingFormat: SigningFormat;
  readonly forgeTokenFile?: string;
  readonly forgeAppId?: string;
  readonly forgeAppKeyFile?: string;
  readonly forgeKind?: ForgeKind;
  readonly forgeUrl?: string;
  readonly config?: string;
}

/** What is about this machine, or about no run at all. */
export function declareMachine({ program, context, exit }: Declaration): void {
  program
    .command('calendar')
    .description('show what a calendar expression means, and when its next runs start')
    .argument('<expression...>', 'as in systemd.time(7), such as "Mon..Fri 03:30 Europe/Berlin"')
    .option('--base-time <time>', 'start from this time, such as "2027-10-30 20:00 UTC" (default: now)')
    .option('--iterations <n>', 'number of times to show', positiveInteger('--iterations'), 1)
    .action(async (expressions: readonly string[], options: { baseTime?: string; iterations: number }) => {
      exit((await import('../commands/calendar.js')).calendar(context(), expressions, options));
    });
  // These three are another program (see bin/lockkeeper); they are declared here for help and completion.
  tellOf(
    program.command('worker').description('run a worker: it does the evaluations, builds and other steps of runs'),
    WORKER_OPTIONS,
  );
  tellOf(
    program.command('dev').description('run an embedded Temporal server with its web UI, and a worker with all roles'),
    WORKER_OPTIONS,
  );
  tellOf(
    program.command('prune').description('remove files from the state directory that no run needs any more'),
    PRUNE_OPTIONS,
  );
  program
    .command('hooks')
    .description('listen for webhooks of forges, to see pushes to main and answers to pull requests at once')
    .requiredOption('--secret-file <file>', 'file with the secrets of the webhooks, one a line')
    .option('--port <port>', 'port to listen on', portNumber('--port'), HOOK_PORT)
    .option('--address <address>', 'address to listen on; for requests from other machines, use a proxy', LOOPBACK)
    .action(async (flags: HookFlags) => {
      exit(await (await import('../commands/hooks.js')).hooks(context(), flags));
    });
  program
    .command('doctor')
    .description('check Node, Nix, Git, server, queues, disk and state directory, and explain how to fix problems')
    .argument('[flake]', 'flake to check as well (default: that of the current folder, if it is in one)')
    .option('--signing-key-file <file>', 'also check that this key signs commits')
    .addOption(new Option('--signing-format <format>', 'kind of key').choices(SIGNING_FORMATS).default('ssh'))
    .option('--forge-token-file <file>', 'also check the rights of the token in this file on the forge of the flake')
    .option('--forge-app-id <id>', 'the same for a GitHub App')
    .option('--forge-app-key-file <file>', 'the private key of that App')
    .addOption(
      new Option('--forge-kind <kind>', 'kind of forge (default: recognised by the remote)').choices(FORGE_KINDS),
    )
    .option('--forge-url <url>', 'web address of the forge (default: the host of the remote)')
    .option('--config <file>', 'also check the caches of this configuration (default: the one that is found)')
    .action(async (flake: string | undefined, options: DoctorOptions) => {
      const {
        signingKeyFile,
        signingFormat,
        forgeTokenFile,
        forgeAppId,
        forgeAppKeyFile,
        forgeKind,
        forgeUrl,
        config,
      } = options;
      const signing = signingKeyFile === undefined ? null : { format: signingFormat, keyFile: resolve(signingKeyFile) };
      const told = { kind: forgeKind ?? null, url: forgeUrl ?? null };
      if ((forgeAppId === undefined) !== (forgeAppKeyFile === undefined))
        throw new CommandError('--forge-app-id and --forge-app-key-file belong together: give both.');
      const keyFile = forgeAppKeyFile ?? forgeTokenFile;
      const appId = forgeAppId ?? null;
      const forge = keyFile === undefined ? null : { ...told, tokenFile: resolve(keyFile), appId };
      exit(
        await (
          await import('../commands/doctor.js')
        ).doctor(context(), flake ?? null, { signing, forge, ...(config !== undefined && { config }) }),
      );
    });
  program
    .command('site')
    .description(
      'write web pages of all hosts and runs, from the reports of this machine: open index.html, or serve them',
    )
    .argument('<directory>', 'folder of the pages; created if missing')
    .action(async (directory: string) => {
      exit(await (await import('../commands/site.js')).site(context(), resolve(directory)));
    });
  program
    .command('systemd-units')
    .description(
      'print or write systemd units of a worker, its schedules and runs, for distributions that are not NixOS',
    )
    .option('--user <name>', 'account of the worker', 'lockkeeper')
    .option('--address <host:port>', 'Temporal server (default: an embedded one)')
    .option('--user-queue', 'a worker only for runs of instances with that user, in addition to the one for all others')
    .option('--agent', 'allow the worker to run coding agents (gives it the rights that their sandbox needs)')
    .option('--directory <folder>', 'write the units there instead of printing them')
    .action(async (options: SystemdUnitsOptions) => {
      exit(await (await import('../commands/systemd-units.js')).systemdUnitFiles(context(), options));
    });
  program
    .command('completion')
    .description('print a completion script, for example: source <(lockkeeper completion bash)')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action(async (shell: Shell) => {
      exit((await import('../commands/completion.js')).completion(program, shell));
    });
  // For the completion scripts alone.
  program.command('known-runs', { hidden: true }).action(async () => {
    exit(await (await import('../commands/known-runs.js')).knownRuns(context()));
  });
}

/** Global options are not theirs: they have a state directory of their own, and their own JSON if any. */
function tellOf(command: Command, options: DeclaredOptions): void {
  command.configureHelp({ showGlobalOptions: false });
  for (const { flags, description, kind } of Object.values(options)) {
    const option = new Option(flags, description);
    command.addOption(kind?.choices === undefined ? option : option.choices(kind.choices));
  }
}
