import { Option, type Command } from 'commander';
import { OPTION_GROUPS, isOfVerification } from '../../model/config/options/index.js';
import { everyOption, type Option as ConfigOption } from '../../model/config/options/types.js';
import { flagHelp } from '../../model/config/options/described.js';
import type { TypedFlags } from '../options/flags.js';
import { collect } from './arguments.js';
import type { Declaration } from './declaration.js';

const FLAKE = 'path or Git URL of the flake, with ?dir= and ?ref= if need be';

/** `update`, with all that a run can be asked: the options of an instance that have a flag; and `verify`, with some of them. */
export function declareUpdate({ program, context, exit }: Declaration): void {
  const command = program
    .command('update')
    .description('start a run: update the lock, build every host, land it; the same command again follows that run')
    .argument('[flake]', FLAKE, '.');
  declareOptions(command, () => true);
  command
    .addHelpText(
      'after',
      '\nExit status: 0 changed, 1 error or broken targets, 2 lock unchanged,\n' +
        '3 lock changed but no closure differs, 4 rejected, expired or superseded,\n' +
        '130 interrupted (the run itself goes on).',
    )
    .action(async (flake: string, flags: TypedFlags) => {
      exit(await (await import('../commands/update.js')).update(context(), flake, flags));
    });
  const verify = program
    .command('verify')
    .description('start a run that builds every host of the newest commit of the main branch as it is; nothing lands')
    .argument('[flake]', FLAKE, '.')
    .option('--again', 'verify again, even if an earlier run already has verdicts about the commit');
  declareOptions(verify, isOfVerification);
  verify
    .addHelpText(
      'after',
      '\nExit status: 0 all required targets are built, 1 error or broken targets,\n' +
        '130 interrupted (the run itself goes on).',
    )
    .action(async (flake: string, flags: TypedFlags) => {
      exit(await (await import('../commands/update.js')).update(context(), flake, flags, 'verify'));
    });
}

function declareOptions(command: Command, isWanted: (name: string) => boolean): void {
  for (const { title, options, flags = {} } of OPTION_GROUPS)
    for (const [name, option] of [...everyOption(options), ...everyOption(flags)])
      if (option.flag !== undefined && isWanted(name))
        command.addOption(declared(option.flag, option).helpGroup(`${title}:`));
}

/** Words are kept as they were typed: what they mean is read with all the others. */
function declared(flag: string, option: ConfigOption<unknown>): Option {
  const declaration = new Option(flag, flagHelp(option).replaceAll('`', ''));
  if (option.kind.choices !== undefined) declaration.choices(option.kind.choices);
  return flag.includes('<') ? declaration.argParser(collect) : declaration;
}
