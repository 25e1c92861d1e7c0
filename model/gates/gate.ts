import { BadInput } from '../checks/names.js';

/** A named check of a candidate beside its builds: a command that has to succeed in the candidate's work tree. */
export interface Gate {
  readonly name: string;
  readonly check: GateCheck;
  /** How long it may run, in seconds. */
  readonly timeoutSeconds: number;
  /** Whether nothing lands when it fails; otherwise the failure is only reported. */
  readonly required: boolean;
}

/** What a gate runs: a command that is known by its name, or the words of one. */
export type GateCheck =
  | { readonly kind: 'preset'; readonly preset: Preset }
  | { readonly kind: 'command'; readonly words: readonly string[] };

/** Checks whose command depends on Nix's version and the run's settings, or that many flakes use. */
export const PRESETS = ['flake-check', 'fmt', 'statix', 'deadnix'] as const;
export type Preset = (typeof PRESETS)[number];

/** Their commands as a person types them. */
export const PRESET_WORDS: Readonly<Record<Preset, string>> = {
  'flake-check': 'nix flake check',
  fmt: 'nix fmt -- .',
  statix: 'statix check .',
  deadnix: 'deadnix --fail .',
};

const NAME = /^[a-z0-9][a-z0-9-]{0,59}$/;

export function checkGateName(value: string, field: string): string {
  if (NAME.test(value)) return value;
  throw new BadInput(
    field,
    value,
    'is not a valid gate name: give at most 60 lower-case letters, digits and "-", such as no-todo.',
  );
}

/**
 * Reads `NAME=COMMAND`, or the name of a preset alone. The command is split into words, and no shell sees it.
 * @throws BadInput for a name that cannot be used, an unknown preset, an empty command and a quote that is left open
 */
export function parseGate(text: string, field: string): Pick<Gate, 'name' | 'check'> {
  const mark = text.indexOf('=');
  if (mark === -1) {
    const preset = PRESETS.find((each) => each === text);
    if (preset !== undefined) return { name: preset, check: { kind: 'preset', preset } };
    throw new BadInput(
      field,
      text,
      `is not a gate that is known by its name (${PRESETS.join(', ')}): write NAME=COMMAND for another one.`,
    );
  }
  const name = checkGateName(text.slice(0, mark), field);
  const words = splitWords(text.slice(mark + 1));
  if (words === null) throw new BadInput(field, text, 'has a quote or backslash in its command that is left open.');
  checkGateWords(words, `${field} ${name}`);
  return { name, check: { kind: 'command', words } };
}

/** Words of a command: something to start, and nothing that no argument can hold. */
export function checkGateWords(words: readonly string[], field: string): void {
  const [command = ''] = words;
  if (command === '') throw new BadInput(field, words.join(' '), 'has no command: write NAME=COMMAND.');
  if (words.some((word) => word.includes('\0')) || words.join(' ').length > 4096) {
    throw new BadInput(field, words.join(' '), 'is not a command of at most 4096 characters.');
  }
}

/**
 * Splits a command line into its words, as a shell does, without any of a shell's other powers: quotes `'…'` and `"…"`, and a
 * backslash before a character outside of single quotes. `null` when a quote or backslash is left open.
 */
export function splitWords(line: string): readonly string[] | null {
  const words: string[] = [];
  const part = /\s+|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)/gsy;
  let word: string | null = null;
  while (part.lastIndex < line.length) {
    const match = part.exec(line);
    if (match === null) return null;
    const [text, single, double, escaped, plain] = match;
    const piece = single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? plain;
    if (piece !== undefined) word = (word ?? '') + piece;
    else if (word !== null && text !== '') {
      words.push(word);
      word = null;
    }
  }
  return word === null ? words : [...words, word];
}
