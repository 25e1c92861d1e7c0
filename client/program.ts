import { Argument, Command, Option } from 'commander';
import { FAILURE_STEPS, LANDING_MODES } from '../model/run.js';
import { collect, collectList, duration, positiveInteger } from './arguments.js';
import type { SystemdUnitsOptions } from './commands/systemd-units.js';
import type { ApplyFlags } from './commands/apply.js';
import type { RunFlags } from './commands/run.js';
import type { ConfigFlags } from './config-file.js';
import { commandContext, type CommandContext, type GlobalOptions } from './context.js';
import { REPORT_FORMATS, type ReportFormat } from './report-format.js';
import type { UpdateFlags } from './update-flags.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export const CONFIG_ACTIONS = ['check', 'show', 'schema'] as const;
export type ConfigAction = (typeof CONFIG_ACTIONS)[number];

const RUN = 'a run: its id, a unique beginning of it, or "latest"';

/**
 * Declares the whole command line. What a command does is imported when it is called, so that help and completion
 * answer at once.
 * @param exit takes the exit status of the command that ran
 */
export function declareProgram(version: string, exit: (status: number) => void): Command {
  const program = new Command('lockkeeper')
    .description('Keeps NixOS flake repositories up to date: updates flake.lock, builds every host, lands what holds.')
    .version(version, '-V, --version')
    .option(
      '--state-dir <folder>',
      'where state is kept (default: $LOCKKEEPER_STATE_DIR, else the XDG state directory)',
    )
    .option('--json', 'results as JSON on standard output')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .showSuggestionAfterError(true);
  const context = (): CommandContext => commandContext(program.opts<GlobalOptions>());

  declareUpdate(program, context, exit);
  declareConfigured(program, context, exit);

  program
    .command('list')
    .description('runs, newest first')
    .option('--limit <n>', 'at most so many', positiveInteger('--limit'), 20)
    .action(async (options: { limit: number }) => {
      exit(await (await import('./commands/list.js')).list(context(), options));
    });
  program
    .command('status')
    .description('where a run stands')
    .argument('<run>', RUN)
    .action(async (run: string) => {
      exit(await (await import('./commands/status.js')).status(context(), run));
    });
  program
    .command('watch')
    .description('live progress of a run until it is over, then its report (exit status as of update)')
    .argument('<run>', RUN)
    .action(async (run: string) => {
      exit(await (await import('./commands/watch.js')).watch(context(), run));
    });
  program
    .command('report')
    .description('the report of a run that is over')
    .argument('<run>', RUN)
    .addOption(new Option('--format <format>', 'how it is written').choices(REPORT_FORMATS).default('text'))
    .action(async (run: string, options: { format: ReportFormat }) => {
      exit(await (await import('./commands/report.js')).report(context(), run, options.format));
    });
  program
    .command('logs')
    .description("a target's whole build log")
    .argument('<run>', RUN)
    .argument('[target]', 'a host (default: the only one that has a log, or that is broken)')
    .option(
      '--attempt <n>',
      'what an agent said in its attempt at the host, in place of the build',
      positiveInteger('--attempt'),
    )
    .option('-f, --follow', 'go on while it grows')
    .action(async (run: string, target: string | undefined, options: { follow?: true; attempt?: number }) => {
      const wanted = { target: target ?? null, attempt: options.attempt ?? null };
      exit(await (await import('./commands/logs.js')).logs(context(), run, wanted, options.follow === true));
    });
  for (const kind of ['approve', 'reject'] as const) {
    program
      .command(kind)
      .description(kind === 'approve' ? 'let a waiting run land' : 'end a waiting run without landing')
      .argument('<run>', `${RUN} (the only run that waits)`)
      .option('-m, --message <text>', 'a comment, kept in the report')
      .option('-y, --yes', 'do not ask back')
      .action(async (run: string, options: { message?: string; yes?: true }) => {
        exit(await (await import('./commands/decide.js')).decide(context(), kind, run, options));
      });
  }
  program
    .command('hold')
    .description('keep an input of an open run where it is on main; the rest is verified again')
    .argument('<run>', RUN)
    .argument('<input>', 'an input that the run moves')
    .option('-m, --message <text>', 'why, kept in the report')
    .action(async (run: string, input: string, options: { message?: string }) => {
      exit(await (await import('./commands/hold.js')).hold(context(), run, input, options.message ?? null));
    });
  program
    .command('cancel')
    .description('end a run and its builds')
    .argument('<run>', RUN)
    .action(async (run: string) => {
      exit(await (await import('./commands/cancel.js')).cancel(context(), run));
    });
  program
    .command('calendar')
    .description('what a calendar expression means, and the next times at which a schedule of it starts runs')
    .argument('<expression...>', 'as in systemd.time(7), such as "Mon..Fri 03:30 Europe/Berlin"')
    .option('--base-time <time>', 'look from then on, such as "2027-10-30 20:00 UTC" (default: now)')
    .option('--iterations <n>', 'so many times', positiveInteger('--iterations'), 1)
    .action(async (expressions: readonly string[], options: { baseTime?: string; iterations: number }) => {
      exit((await import('./commands/calendar.js')).calendar(context(), expressions, options));
    });
  // These three are another program (see bin/lockkeeper); they are declared here for help and completion.
  program.command('worker').description('serve task queues: workflows, evaluations and builds of this machine');
  program.command('dev').description('an embedded Temporal server with its web UI, and a worker with all roles');
  program
    .command('prune')
    .description('remove from the state directory what no run needs any more')
    .option('--dry-run', 'say what would be removed, and remove nothing')
    .option('--older-than <span>', 'age of what is removed, at least 1d (default: by kind)')
    .option('--max-size <size>', 'how much all build logs together may take (default: 2G)');
  program
    .command('doctor')
    .description(
      'check Node, Nix, Git, server, queues, disk and state directory, and say how to mend each and what is kept',
    )
    .action(async () => {
      exit(await (await import('./commands/doctor.js')).doctor(context()));
    });
  program
    .command('systemd-units')
    .description('the systemd units of a worker, its schedules and runs, for distributions that are not NixOS')
    .option('--user <name>', 'account of the worker', 'lockkeeper')
    .option('--address <host:port>', 'Temporal server (default: one of its own)')
    .option('--user-queue', 'a worker for the runs of instances with that user, beside the one for all others')
    .option('--agent', 'let it run coding agents, in a sandbox that the worker may make')
    .option('--directory <folder>', 'write it there instead of printing it')
    .action(async (options: SystemdUnitsOptions) => {
      exit(await (await import('./commands/systemd-units.js')).systemdUnitFiles(context(), options));
    });
  program
    .command('completion')
    .description('a completion script, for example: source <(lockkeeper completion bash)')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action(async (shell: Shell) => {
      exit((await import('./commands/completion.js')).completion(program, shell));
    });
  return program;
}

/** Commands about the instances of a configuration file. */
function declareConfigured(program: Command, context: () => CommandContext, exit: (status: number) => void): void {
  program
    .command('run')
    .description('start a run of a configured instance by hand')
    .argument('<instance>', 'its name in the configuration file')
    .option('-w, --watch', 'follow it to its end, with a worker if none runs (exit status as of update)')
    .option('--strict', 'with --watch: as of update')
    .addOption(configOption())
    .action(async (instance: string, flags: RunFlags) => {
      exit(await (await import('./commands/run.js')).runInstance(context(), instance, flags));
    });
  program
    .command('apply')
    .description('make the schedules on the server equal to the configuration file, and print what changed')
    .option('--dry-run', 'say what would change, and change nothing')
    .addOption(configOption())
    .action(async (flags: ApplyFlags) => {
      exit(await (await import('./commands/apply.js')).apply(context(), flags));
    });
  declareSchedules(program, context, exit);
  program
    .command('config')
    .description('check the configuration file, show an instance with its defaults, or print the JSON Schema')
    .addArgument(new Argument('<action>', 'what to do').choices(CONFIG_ACTIONS))
    .argument('[instance]', 'name of the instance to show')
    .addOption(configOption())
    .action(async (action: ConfigAction, instance: string | undefined, options: ConfigFlags) => {
      exit(await (await import('./commands/config.js')).config(context(), action, instance ?? null, options));
    });
}

/** The schedules that the server has: no configuration file is needed for them. */
function declareSchedules(program: Command, context: () => CommandContext, exit: (status: number) => void): void {
  const instance = 'name of the instance';
  const schedules = program
    .command('schedules')
    .description('the schedules of instances, with last result and next times')
    .action(async () => {
      exit(await (await import('./commands/schedules.js')).listSchedules(context()));
    });
  for (const action of ['pause', 'resume'] as const) {
    schedules
      .command(action)
      .description(action === 'pause' ? 'start no runs until it is resumed' : 'start runs again')
      .argument('<instance>', instance)
      .option('-m, --message <text>', 'why, for whoever looks at it next')
      .action(async (name: string, { message }: { message?: string }) => {
        const { pauseSchedule } = await import('./commands/schedules.js');
        exit(await pauseSchedule(context(), name, action, message ?? null));
      });
  }
  schedules
    .command('trigger')
    .description("start a run now with the schedule's own arguments, also while it is paused")
    .argument('<instance>', instance)
    .action(async (name: string) => {
      exit(await (await import('./commands/schedules.js')).triggerSchedule(context(), name));
    });
  schedules
    .command('backfill')
    .description('start the runs that were due in a span of time, one after another')
    .argument('<instance>', instance)
    .requiredOption('--from <time>', 'the first time, such as "2027-10-30 20:00 UTC"')
    .option('--to <time>', 'the last one (default: now)')
    .action(async (name: string, span: { from: string; to?: string }) => {
      exit(await (await import('./commands/schedules.js')).backfillSchedule(context(), name, span));
    });
}

const configOption = (): Option =>
  new Option(
    '--config <file>',
    'configuration file (default: $LOCKKEEPER_CONFIG, ./lockkeeper.toml or .json, the same in /etc/lockkeeper)',
  );

function declareUpdate(program: Command, context: () => CommandContext, exit: (status: number) => void): void {
  program
    .command('update')
    .description('one run: update the lock, build every host, land; run again, it picks up where it stood')
    .argument('[flake]', 'path or Git URL of the flake, with ?dir= and ?ref= if need be', '.')
    .optionsGroup('What to update and build:')
    .option('--input <name>', 'update only this input (repeatable, or a list with commas)', collectList)
    .option('--exclude-input <name>', 'update all inputs but this (repeatable, or a list with commas)', collectList)
    .option('--host <name>', 'build only this host (repeatable, or a list with commas)', collectList)
    .option('--exclude <pattern>', 'leave out hosts whose whole name matches this regular expression')
    .option('--require <hosts>', '"all" or hosts that must build for anything to land (default: all)', collectList)
    .optionsGroup('What else has to hold:')
    .option(
      '--gate <gate>',
      'a check that has to pass: NAME=COMMAND, or one of flake-check, fmt, statix, deadnix (repeatable)',
      collect,
    )
    .option('--gate-warn <gate>', 'the same, but a failure is only reported (repeatable)', collect)
    .option('--gate-timeout <span>', 'how long each gate may run (default: 1h)', duration('--gate-timeout'))
    .optionsGroup('Where it lands:')
    .addOption(new Option('--land <mode>', 'what happens to a good update (default: branch)').choices(LANDING_MODES))
    .option('--dry-run', 'everything but the push: the same as --land none')
    .option('--approve', 'ask before landing')
    .option(
      '--approval-deadline <span>',
      'how long it waits for an answer (default: 7d)',
      duration('--approval-deadline'),
    )
    .option('--approval-reminder <span>', 'how often it asks again (default: 1d)', duration('--approval-reminder'))
    .optionsGroup('When a required host breaks:')
    .option(
      '--on-failure <steps>',
      `what is tried, in this order, of ${FAILURE_STEPS.join(', ')} (default: hold-back,report; with --land merge: report; with --autofix that first)`,
      collectList,
    )
    .option(
      '--never-hold-back <inputs>',
      'inputs that no host keeps back (repeatable, or a list with commas)',
      collectList,
    )
    .option(
      '--pin <text>',
      'an input that stays, the last day on which it does, and why, in one word (repeatable)',
      collect,
    )
    .option(
      '--held-back-alarm <span>',
      'how long an input may be held back before people are alarmed (default: 14d)',
      duration('--held-back-alarm'),
    )
    .option('--strict', 'inputs that were held back, and hosts that were broken before, make the exit status 1')
    .optionsGroup('When an agent is to mend what broke:')
    .option('--autofix <command>', 'the agent: COMMAND ARGUMENTS… -p PROMPT, in a copy of the repository')
    .option(
      '--autofix-arg <argument>',
      'an argument for it (repeatable); {prompt} and {promptFile} stand for the prompt',
      collect,
    )
    .option('--autofix-env-file <file>', 'variables for it alone, as in an EnvironmentFile of systemd')
    .option(
      '--autofix-home-path <path>',
      'what it may read below your home (repeatable), such as .config/agent',
      collect,
    )
    .option('--max-attempts <n>', 'attempts for each broken host (default: 3)', positiveInteger('--max-attempts'))
    .option('--autofix-timeout <span>', 'how long an attempt may take (default: 30min)', duration('--autofix-timeout'))
    .option(
      '--autofix-protect <patterns>',
      'paths that it may not touch, in place of the usual ones (repeatable, or a list with commas)',
      collectList,
    )
    .option('--autofix-max-files <n>', 'files that it may change (default: 20)', positiveInteger('--autofix-max-files'))
    .option(
      '--autofix-max-lines <n>',
      'lines that it may change (default: 500)',
      positiveInteger('--autofix-max-lines'),
    )
    .optionsGroup('Repository:')
    .option('--remote <name>', 'remote of the checkout (default: origin, or the only one)')
    .option('--main <branch>', "branch to start from (default: the remote's HEAD)")
    .option('--branch-prefix <text>', 'the update branch is this and the date (default: flake-update-)')
    .option('--time-zone <zone>', "time zone of that date (default: this machine's)")
    .option('--author <person>', 'author of the commits (default: "Lockkeeper <lockkeeper@localhost>")')
    .option('--committer <person>', 'committer of the commits (default: as --author)')
    .optionsGroup('Who is told:')
    .option('--ntfy-server <url>', 'ntfy server that gets a message at the end')
    .option('--ntfy-topic <topic>', 'topic on that server')
    .option('--ntfy-token-file <file>', 'file with the access token for it')
    .option('--inbox-org <file>', 'org-mode file that gets a TODO entry on failure')
    .optionsGroup('How it builds:')
    .option('--slots <n>', 'builds at once (default: the number of cores, at least 4)', positiveInteger('--slots'))
    .option('--eval-slots <n>', 'evaluations at once (default: 1 for each 4 GiB)', positiveInteger('--eval-slots'))
    .option(
      '--takeover-time <span>',
      'how long a lost builder may stay away (default: 2min)',
      duration('--takeover-time'),
    )
    .option(
      '--builder-wait <span>',
      'how long a host waits for a worker of its system before it is skipped (default: 10min)',
      duration('--builder-wait'),
    )
    .option('--nix-option <name value>', 'a setting for Nix, as two words (repeatable)', collect)
    .option('--impure', 'let evaluation see this machine')
    .option('--accept-flake-config', "honour the flake's own nixConfig")
    .optionsGroup('How Git gets in:')
    .option('--ssh-key-file <file>', 'private key for ssh')
    .option('--known-hosts-file <file>', 'host keys for ssh')
    .option('--https-token-file <file>', 'file with a token for HTTPS')
    .option('--access-tokens-file <file>', 'file with "access-tokens = HOST=TOKEN" for Nix, for private inputs')
    .optionsGroup('Options:')
    .addHelpText(
      'after',
      '\nExit status: 0 changed, 1 error or broken targets, 2 lock unchanged, 3 lock changed but no closure differs,\n' +
        '4 rejected, expired or superseded, 130 interrupted (the run itself goes on when a worker does).',
    )
    .action(async (flake: string, flags: UpdateFlags) => {
      exit(await (await import('./commands/update.js')).update(context(), flake, flags));
    });
}
