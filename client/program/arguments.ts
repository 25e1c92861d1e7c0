import { CommandError } from '../errors.js';

/**
 * Joins the two words after each `--nix-option` into one value, `NAME VALUE`: commander knows options with one value or
 * with any number of them, and the second kind would swallow FLAKE.
 */
export function joinNixOptions(argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    if (word === '--') return [...joined, ...argv.slice(index)];
    joined.push(word);
    if (word !== '--nix-option') continue;
    const [name, value] = [argv[index + 1], argv[index + 2]];
    if (name === undefined || value === undefined || name.startsWith('-')) {
      throw new CommandError('--nix-option takes two words, NAME and VALUE, such as: --nix-option max-jobs 4');
    }
    joined.push(`${name} ${value}`);
    index += 2;
  }
  return joined;
}

/** Collects an option that may be given several times. */
export const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

export const positiveInteger =
  (option: string) =>
  (value: string): number => {
    if (/^[1-9]\d{0,5}$/.test(value)) return Number(value);
    throw new CommandError(`${option} "${value}" is not a whole number from 1 on: write one such as 4.`);
  };

/** A port to listen at; 0: any that is free. */
export const portNumber =
  (option: string) =>
  (value: string): number => {
    if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value);
    throw new CommandError(`${option} "${value}" is not a port: write a number from 0 to 65535.`);
  };
