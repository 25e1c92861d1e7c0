import { valueOptions, type Described, type DescribedOption, type FirstArgument } from './described.js';

export function fish(commands: readonly Described[]): string {
  const known = commands.map(({ name }) => (name.includes(' ') ? `'${name}'` : `' ${name}'`)).join(' ');
  return [
    '# fish completion for lockkeeper',
    '# Whether the line calls this command, and has so many arguments (any number when none is given).',
    'function __lockkeeper_at --argument-names wanted count',
    '  set -l command; set -l arguments 0; set -l is_value 0',
    '  set -l words (commandline -opc)',
    '  for word in $words[2..-1]',
    '    if test $is_value = 1; set is_value 0; continue; end',
    '    switch $word',
    `      case ${valueOptions(commands).join(' ')}; set is_value 1`,
    "      case '-*'",
    "      case '*'",
    `        if contains -- "$command $word" ${known}; set command (string trim -- "$command $word")`,
    '        else; set arguments (math $arguments + 1); end',
    '    end',
    '  end',
    '  test "$command" = "$wanted"; and begin; test -z "$count"; or test "$count" = $arguments; end',
    'end',
    'function __lockkeeper_runs',
    '  set -l words (commandline -opc)',
    '  set -l state',
    '  if set -l at (contains -i -- --state-dir $words); set state --state-dir $words[(math $at + 1)]; end',
    '  echo latest',
    '  command -q lockkeeper; and command lockkeeper $state known-runs 2>/dev/null',
    'end',
    'function __lockkeeper_instances',
    '  set -l words (commandline -opc)',
    '  set -l config',
    '  if set -l at (contains -i -- --config $words); set config --config $words[(math $at + 1)]; end',
    '  command -q lockkeeper; and command lockkeeper known-instances $config 2>/dev/null',
    'end',
    'complete -c lockkeeper -f',
    ...commands.flatMap(lines),
  ].join('\n');
}

function lines({ name, description, options, first }: Described): readonly string[] {
  const at = name.lastIndexOf(' ');
  const values = first === null ? null : firstOf(first);
  return [
    `complete -c lockkeeper -n "__lockkeeper_at '${name.slice(0, Math.max(at, 0))}' 0" -a ${name.slice(at + 1)} -d ${quoted(description)}`,
    ...options.map((option) => optionLine(name, option)),
    ...(values === null ? [] : [`complete -c lockkeeper -k -n "__lockkeeper_at '${name}' 0" -a '${values}'`]),
  ];
}

function firstOf(first: FirstArgument): string {
  if (first.kind === 'words') return first.words.join(' ');
  return { run: '(__lockkeeper_runs)', instance: '(__lockkeeper_instances)', folder: '(__fish_complete_directories)' }[
    first.kind
  ];
}

function optionLine(
  command: string,
  { long, short, description, takesValue, takesFile, choices }: DescribedOption,
): string {
  return [
    `complete -c lockkeeper -n "__lockkeeper_at '${command}'" -l ${long.slice(2)}`,
    ...(short === null ? [] : [`-s ${short.slice(1)}`]),
    ...(takesValue ? [takesFile ? '-r -F' : `-x${choices.length > 0 ? ` -a '${choices.join(' ')}'` : ''}`] : []),
    `-d ${quoted(description)}`,
  ].join(' ');
}

/** In fish's single quotes, a backslash takes itself and an apostrophe. */
const quoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;
