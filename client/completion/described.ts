import type { Argument, Command, Option } from 'commander';

export interface Described {
  /** The words that call it, such as `schedules pause`. */
  readonly name: string;
  readonly description: string;
  readonly options: readonly DescribedOption[];
  /** What its first argument can be; `null`: anything. */
  readonly first: FirstArgument | null;
}

export type FirstArgument =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  /** A run: `latest`, and what `lockkeeper known-runs` prints. */
  | { readonly kind: 'run' }
  /** A configured instance: what `lockkeeper known-instances` prints. */
  | { readonly kind: 'instance' }
  | { readonly kind: 'folder' };

export interface DescribedOption {
  readonly long: string;
  readonly short: string | null;
  readonly description: string;
  readonly takesValue: boolean;
  readonly takesFile: boolean;
  readonly choices: readonly string[];
}

/** All commands that help shows, those below a command after it. */
export function describeCommands(program: Command): readonly Described[] {
  return visible(program).flatMap((command) => {
    const own = describe(command, command.name(), program.options);
    const below = visible(command).map((each) => describe(each, `${own.name} ${each.name()}`, program.options));
    return [own, ...below];
  });
}

/** Not Commander's own `help`: `--help` is everywhere. */
const visible = (command: Command): readonly Command[] => {
  const shown = new Set(command.createHelp().visibleCommands(command));
  return command.commands.filter((each) => shown.has(each));
};

function describe(command: Command, name: string, global: readonly Option[]): Described {
  // What help does not show of the global options, the command does not take.
  const takesGlobal = command.configureHelp().showGlobalOptions === true;
  const options = [...command.options, ...(takesGlobal ? global : [])].filter(({ hidden }) => !hidden);
  return {
    name,
    description: command.description(),
    options: options.map(describeOption),
    first: first(command),
  };
}

function first(command: Command): FirstArgument | null {
  const below = visible(command).map((each) => each.name());
  if (below.length > 0) return { kind: 'words', words: below };
  const [argument] = command.registeredArguments;
  return argument === undefined ? null : argumentValues(argument);
}

function argumentValues(argument: Argument): FirstArgument | null {
  if (argument.argChoices !== undefined) return { kind: 'words', words: argument.argChoices };
  const name = argument.name();
  if (name === 'run' || name === 'instance') return { kind: name };
  return name === 'flake' ? { kind: 'folder' } : null;
}

const describeOption = (option: Option): DescribedOption => ({
  long: option.long ?? '',
  short: option.short ?? null,
  description: option.description,
  takesValue: option.required || option.optional,
  takesFile: /<(file|folder)>/.test(option.flags),
  choices: option.argChoices ?? [],
});

/** Options that take a value, in all their spellings: the next word is their value, not an argument. */
export const valueOptions = (commands: readonly Described[]): readonly string[] => [
  ...new Set(
    commands.flatMap(({ options }) =>
      options
        .filter(({ takesValue }) => takesValue)
        .flatMap(({ long, short }) => (short === null ? [long] : [short, long])),
    ),
  ),
];
