import { valueOptions, type Described, type DescribedOption, type FirstArgument } from './described.js';

export function bash(commands: readonly Described[]): string {
  const names = commands.map(({ name }) => name);
  const folders = commands.filter(({ first }) => first?.kind === 'folder').map(({ name }) => name);
  // A name without a command before it stands after an empty one.
  const known = names.map((name) => (name.includes(' ') ? `"${name}"` : `" ${name}"`));
  return [
    '# bash completion for lockkeeper',
    '_lockkeeper() {',
    '  local index word part given=() command="" arguments=0 state=() config=() words="" first=""',
    '  # Readline takes words apart at colons, which times in ids of runs have, and at equals signs.',
    '  for ((index = 0; index <= COMP_CWORD; index++)); do',
    '    part="${COMP_WORDS[index]}"',
    '    if [[ $part == = ]]; then if ((index == COMP_CWORD)); then given+=(""); fi',
    '    elif ((index > 0)) && [[ $part == :* || ${given[-1]} == *: ]]; then given[-1]+="$part"',
    '    else given+=("$part"); fi',
    '  done',
    '  local current="${given[-1]}" previous="${given[-2]}"',
    '  for ((index = 1; index < ${#given[@]} - 1; index++)); do',
    '    word="${given[index]}"',
    '    case "$word" in',
    '      --state-dir) state=(--state-dir "${given[++index]/#\\~/$HOME}") ;;',
    '      --config) config=(--config "${given[++index]/#\\~/$HOME}") ;;',
    `      ${valueOptions(commands)
      .filter((option) => !['--state-dir', '--config'].includes(option))
      .join('|')}) ((++index)) ;;`,
    '      -*) ;;',
    `      *) case "$command $word" in ${known.join('|')}) command="\${command:+$command }$word" ;; *) ((++arguments)) ;; esac ;;`,
    '    esac',
    '  done',
    '  case "$command:$previous" in',
    '    ":--state-dir") _lockkeeper_paths -f; return ;;',
    ...commands.flatMap(optionValues),
    '  esac',
    '  case "$command" in',
    ...commands.map(wordsOf),
    `    *) words="--state-dir --run-key-file --json --help --version" first="${names.filter((name) => !name.includes(' ')).join(' ')}" ;;`,
    '  esac',
    '  if ((arguments == 0)); then words+=" $first"; fi',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    `  if [[ " ${folders.join(' ')} " == *" $command "* && $current != -* ]]; then _lockkeeper_paths -d; fi`,
    '  # Readline replaces only what is after the last colon.',
    '  if [[ $COMP_WORDBREAKS == *:* ]]; then COMPREPLY=("${COMPREPLY[@]#"${current%"${current##*:}"}"}"); fi',
    '}',
    `_lockkeeper_runs() { echo latest; command lockkeeper "$@" known-runs 2>/dev/null; }`,
    '_lockkeeper_instances() { command lockkeeper known-instances "$@" 2>/dev/null; }',
    '# Only of paths: Readline puts a backslash before the colons of what it takes for one.',
    '_lockkeeper_paths() { compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen "$1" -- "$current")); }',
    'complete -F _lockkeeper lockkeeper',
  ].join('\n');
}

/** What comes after the options of this command that take a value. */
function optionValues({ name, options }: Described): readonly string[] {
  const valued = options.filter(({ takesValue }) => takesValue);
  const line = (some: readonly DescribedOption[], reply: string): readonly string[] => {
    const spellings = some.flatMap(({ long, short }) => (short === null ? [long] : [short, long]));
    return some.length === 0
      ? []
      : [`    ${spellings.map((each) => `"${name}:${each}"`).join('|')})${reply} return ;;`];
  };
  const ofChoices = valued.filter(({ choices }) => choices.length > 0);
  const others = valued.filter(({ choices }) => choices.length === 0);
  return [
    ...ofChoices.flatMap((option) =>
      line([option], ` COMPREPLY=($(compgen -W "${option.choices.join(' ')}" -- "$current"));`),
    ),
    ...line(
      others.filter(({ takesFile }) => takesFile),
      ' _lockkeeper_paths -f;',
    ),
    ...line(
      others.filter(({ takesFile }) => !takesFile),
      '',
    ),
  ];
}

function wordsOf({ name, options, first }: Described): string {
  const words = [...options.map(({ long }) => long), '--help'].join(' ');
  return `    "${name}") words="${words}"${first === null ? '' : firstOf(first)} ;;`;
}

function firstOf(first: FirstArgument): string {
  const asked = (call: string): string => ` first="$( ((arguments == 0)) && [[ $current != -* ]] && ${call})"`;
  switch (first.kind) {
    case 'words':
      return ` first="${first.words.join(' ')}"`;
    case 'run':
      return asked('_lockkeeper_runs "${state[@]}"');
    case 'instance':
      return asked('_lockkeeper_instances "${config[@]}"');
    case 'folder':
      return '';
  }
}
