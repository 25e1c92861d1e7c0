import { Option } from 'commander';
import { AGENT_NETWORKS } from '../../model/autofix/sandbox.js';
import { FAILURE_STEPS, LANDING_MODES } from '../../model/run/options.js';
import { collect, collectList, duration, positiveInteger } from './arguments.js';
import type { UpdateFlags } from '../options/update-flags.js';
import type { Declaration } from './declaration.js';

/** `update`, with all that a run can be asked. */
export function declareUpdate({ program, context, exit }: Declaration): void {
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
    .option('--remove-old-branches', 'remove older update branches that the new one makes needless')
    .option('--approve', 'ask before landing')
    .option(
      '--approval-deadline <span>',
      'how long it waits for an answer (default: 7d)',
      duration('--approval-deadline'),
    )
    .option('--approval-reminder <span>', 'how often it asks again (default: 1d)', duration('--approval-reminder'))
    .option('--approve-without-key', 'let everybody answer who reaches the server, as by Temporal’s UI')
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
    .option('--strict', 'exit with 1 if an input was held back or not updated, or a host was already broken')
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
    .addOption(
      new Option(
        '--autofix-network <what>',
        'what it reaches: outside (all but this machine), none, or host (this machine too; default: outside)',
      ).choices(AGENT_NETWORKS),
    )
    .option('--autofix-nix-daemon', 'let it use the Nix daemon, where that does not trust you')
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
    .option('--with-worker', 'let this machine work for the run, on a Temporal server that is not the embedded one')
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
    .option(
      '--allow-source <source>',
      'let inputs fetch from there although they did not before (repeatable): a host, path:/FOLDER, or an address',
      collect,
    )
    .optionsGroup('How Git gets in:')
    .option('--ssh-key-file <file>', 'private key for ssh')
    .option('--known-hosts-file <file>', 'host keys for ssh')
    .option('--https-token-file <file>', 'file with a token for HTTPS')
    .option('--access-tokens-file <file>', 'file with "access-tokens = HOST=TOKEN" for Nix, for private inputs')
    .optionsGroup('Options:')
    .addHelpText(
      'after',
      '\nExit status: 0 changed, 1 error or broken targets, 2 lock unchanged,\n' +
        '3 lock changed but no closure differs, 4 rejected, expired or superseded,\n' +
        '130 interrupted (the run itself goes on).',
    )
    .action(async (flake: string, flags: UpdateFlags) => {
      exit(await (await import('../commands/update.js')).update(context(), flake, flags));
    });
}
