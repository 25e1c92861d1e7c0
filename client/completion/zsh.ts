import type { Described, DescribedOption, FirstArgument } from './described.js';

export function zsh(commands: readonly Described[]): string {
  const top = commands.filter(({ name }) => !name.includes(' '));
  const below = commands.filter(({ name }) => name.includes(' ')).map(({ name }) => `'${name}'`);
  return [
    '#compdef lockkeeper',
    '_lockkeeper_runs() {',
    '  local -a runs state',
    '  local at="${words[(i)--state-dir]}"',
    '  if (( at < $#words )); then state=(--state-dir "${words[at+1]/#\\~/$HOME}"); fi',
    '  runs=(latest ${(f)"$(command lockkeeper $state known-runs 2>/dev/null)"})',
    '  # Latest first: not in the order of the alphabet.',
    '  compadd -V runs -a runs',
    '}',
    '_lockkeeper_instances() {',
    '  local -a instances config',
    '  local at="${words[(i)--config]}"',
    '  if (( at < $#words )); then config=(--config "${words[at+1]/#\\~/$HOME}"); fi',
    '  instances=(${(f)"$(command lockkeeper known-instances $config 2>/dev/null)"})',
    '  compadd -a instances',
    '}',
    '_lockkeeper() {',
    '  local -a commands',
    '  commands=(',
    ...top.map(({ name, description }) => `    ${quoted(`${name}:${escaped(description)}`)}`),
    '  )',
    '  if (( CURRENT == 2 )); then _describe command commands; return; fi',
    '  local command="$words[2]"',
    '  shift words; (( CURRENT-- ))',
    '  if (( CURRENT > 2 )); then',
    '    case "$command $words[2]" in',
    `      ${below.join('|')}) command="$command $words[2]"; shift words; (( CURRENT-- )) ;;`,
    '    esac',
    '  fi',
    '  case "$command" in',
    ...commands.map((command) => `    '${command.name}') _arguments ${specifications(command).join(' ')} ;;`),
    '  esac',
    '}',
    'if [[ "$funcstack[1]" == _lockkeeper ]]; then _lockkeeper "$@"; else compdef _lockkeeper lockkeeper; fi',
  ].join('\n');
}

function specifications({ options, first }: Described): readonly string[] {
  const argument = first === null ? [] : [firstOf(first)];
  return [...options.map(optionSpecification), ...argument];
}

function firstOf(first: FirstArgument): string {
  if (first.kind === 'words') return `'1:value:(${first.words.join(' ')})'`;
  return {
    run: "'1:run:_lockkeeper_runs'",
    instance: "'1:instance:_lockkeeper_instances'",
    folder: "'1:flake:_files -/'",
  }[first.kind];
}

function optionSpecification({ long, description, takesValue, takesFile, choices }: DescribedOption): string {
  const value = choices.length > 0 ? `:value:(${choices.join(' ')})` : takesFile ? ':file:_files' : ':value: ';
  return quoted(`*${long}[${escaped(description)}]${takesValue ? value : ''}`);
}

/** Colons and brackets end a description. */
const escaped = (text: string): string => text.replace(/[\\:[\]]/g, '\\$&');

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
