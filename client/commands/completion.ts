import type { Command, Option } from 'commander';
import { result } from '../output.js';
import type { Shell } from '../program/machine.js';

/** `lockkeeper completion SHELL`: a script made from the commands and options as they are declared. */
export function completion(program: Command, shell: Shell): number {
  const commands = program.commands.map((command) => ({
    name: command.name(),
    description: plain(command.description()),
    options: [...command.options, ...program.options].filter((option) => !option.hidden).map(word),
    values: [
      ...command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
      ...command.commands.map((below) => below.name()),
    ],
  }));
  result({ bash, zsh, fish }[shell](commands));
  return 0;
}

interface Completed {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CompletedOption[];
  /** Values of the first argument, where there are only so many. */
  readonly values: readonly string[];
}

interface CompletedOption {
  readonly long: string;
  readonly short: string | null;
  readonly description: string;
  readonly takesValue: boolean;
  readonly takesFile: boolean;
  readonly choices: readonly string[];
}

const word = (option: Option): CompletedOption => ({
  long: option.long ?? '',
  short: option.short ?? null,
  description: plain(option.description),
  takesValue: option.required || option.optional,
  takesFile: /<(file|folder)>/.test(option.flags),
  choices: option.argChoices ?? [],
});

/** Descriptions go into quoted strings of shells. */
const plain = (text: string): string => text.replace(/[^\w .,:;/=-]/g, '');

function bash(commands: readonly Completed[]): string {
  const choices = new Map(commands.flatMap(({ options }) => options.map((option) => [option.long, option] as const)));
  const values = [...choices.values()].flatMap(({ long, choices: known, takesFile, takesValue }) => {
    if (known.length > 0)
      return [`    ${long}) COMPREPLY=($(compgen -W "${known.join(' ')}" -- "$current")); return ;;`];
    if (takesFile) return [`    ${long}) COMPREPLY=($(compgen -f -- "$current")); return ;;`];
    return takesValue ? [`    ${long}) return ;;`] : [];
  });
  const options = commands.map(({ name, options: known, values: arguments_ }) => {
    const words = [...known.map(({ long }) => long), '--help', ...arguments_];
    return `    ${name}) words="${words.join(' ')}" ;;`;
  });
  return [
    '# bash completion for lockkeeper',
    '_lockkeeper() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" command="" word words',
    '  case "$previous" in',
    ...values,
    '  esac',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    `    case "$word" in ${commands.map(({ name }) => name).join('|')}) command="$word"; break ;; esac`,
    '  done',
    '  case "$command" in',
    ...options,
    `    *) words="${commands.map(({ name }) => name).join(' ')} --state-dir --json --help --version" ;;`,
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '  if [[ $command == update && $current != -* ]]; then COMPREPLY=($(compgen -d -- "$current")); fi',
    '}',
    'complete -o filenames -F _lockkeeper lockkeeper',
  ].join('\n');
}

function zsh(commands: readonly Completed[]): string {
  const specification = ({ long, description, takesValue, takesFile, choices }: CompletedOption): string => {
    const value = choices.length > 0 ? `:value:(${choices.join(' ')})` : takesFile ? ':file:_files' : ':value: ';
    return `'*${long}[${description.replaceAll(':', ',')}]${takesValue ? value : ''}'`;
  };
  const cases = commands.map(({ name, options, values }) => {
    const first =
      values.length > 0 ? [`'1:value:(${values.join(' ')})'`] : name === 'update' ? ["'1:flake:_files -/'"] : [];
    return `    ${name}) _arguments ${[...options.map(specification), ...first].join(' ')} ;;`;
  });
  return [
    '#compdef lockkeeper',
    '_lockkeeper() {',
    '  local -a commands',
    '  commands=(',
    ...commands.map(({ name, description }) => `    '${name}:${description.replaceAll(':', ',')}'`),
    '  )',
    '  if (( CURRENT == 2 )); then _describe command commands; return; fi',
    '  local command="$words[2]"',
    '  shift words; (( CURRENT-- ))',
    '  case "$command" in',
    ...cases,
    '  esac',
    '}',
    'if [[ "$funcstack[1]" == _lockkeeper ]]; then _lockkeeper "$@"; else compdef _lockkeeper lockkeeper; fi',
  ].join('\n');
}

function fish(commands: readonly Completed[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  const option = (
    command: string,
    { long, short, description, takesValue, takesFile, choices }: CompletedOption,
  ): string =>
    [
      `complete -c lockkeeper -n '__fish_seen_subcommand_from ${command}' -l ${long.slice(2)}`,
      ...(short === null ? [] : [`-s ${short.slice(1)}`]),
      ...(takesValue ? [takesFile ? '-r -F' : `-x${choices.length > 0 ? ` -a '${choices.join(' ')}'` : ''}`] : []),
      `-d '${description}'`,
    ].join(' ');
  return [
    '# fish completion for lockkeeper',
    'complete -c lockkeeper -f',
    ...commands.flatMap(({ name, description, options, values }) => [
      `complete -c lockkeeper -n 'not __fish_seen_subcommand_from ${names}' -a ${name} -d '${description}'`,
      ...options.map((each) => option(name, each)),
      ...(values.length === 0
        ? []
        : [`complete -c lockkeeper -n '__fish_seen_subcommand_from ${name}' -a '${values.join(' ')}'`]),
    ]),
    "complete -c lockkeeper -n '__fish_seen_subcommand_from update' -a '(__fish_complete_directories)'",
  ].join('\n');
}
