/** A store derivation, as its `.drv` file has it (ATerm, as `nix derivation show` describes it). */
export interface DerivationFile {
  readonly outputs: readonly DerivationOutput[];
  readonly inputDrvs: readonly InputDerivation[];
  readonly inputSrcs: readonly string[];
  /** Nix system, for example `x86_64-linux`. */
  readonly platform: string;
  readonly builder: string;
  readonly args: readonly string[];
  readonly env: ReadonlyMap<string, string>;
}

export interface DerivationOutput {
  readonly name: string;
  /** Empty when the path is only known after the build. */
  readonly path: string;
  readonly hashAlgorithm: string;
  readonly hash: string;
}

export interface InputDerivation {
  readonly path: string;
  readonly outputs: readonly string[];
}

/** A `.drv` file that is cut off, or of a kind that is not known here. */
export class DerivationUnreadable extends Error {
  override readonly name = 'DerivationUnreadable';
}

type Term = string | readonly Term[];

/** Parses a `.drv` file. @throws `DerivationUnreadable` for other text, and for kinds unknown here (dynamic ones) */
export function parseDerivation(text: string): DerivationFile {
  if (!text.startsWith('Derive(')) throw new DerivationUnreadable('not a derivation of a known kind');
  const [outputs, inputDrvs, inputSrcs, platform, builder, args, env] = list(parseTerm(text, 'Derive'.length));
  return {
    outputs: list(outputs).map((each) => {
      const [name, path, hashAlgorithm, hash] = list(each).map(string);
      return { name: string(name), path: string(path), hashAlgorithm: string(hashAlgorithm), hash: string(hash) };
    }),
    inputDrvs: list(inputDrvs).map((each) => {
      const [path, names] = list(each);
      return { path: string(path), outputs: list(names).map(string) };
    }),
    inputSrcs: list(inputSrcs).map(string),
    platform: string(platform),
    builder: string(builder),
    args: list(args).map(string),
    env: new Map(
      list(env).map((each) => {
        const [name, value] = list(each);
        return [string(name), string(value)];
      }),
    ),
  };
}

/** Path of the output that a system is: `out`, or the first one. */
export function mainOutput(derivation: DerivationFile): string {
  const output = derivation.outputs.find((each) => each.name === 'out') ?? derivation.outputs[0];
  if (output === undefined || output.path === '') throw new DerivationUnreadable('the derivation has no output path');
  return output.path;
}

/** Name of a store path: what follows the hash; a derivation's without `.drv`. */
export const storeName = (storePath: string): string =>
  storePath
    .slice(storePath.lastIndexOf('/') + 1)
    .slice(HASH_LENGTH + 1)
    .replace(/\.drv$/, '');

/** The 32 digits that name a store path. */
export const storeHash = (storePath: string): string => {
  const name = storePath.slice(storePath.lastIndexOf('/') + 1);
  return name.slice(0, HASH_LENGTH);
};

const HASH_LENGTH = 32;

function list(term: Term | undefined): readonly Term[] {
  if (term === undefined || typeof term === 'string')
    throw new DerivationUnreadable('a list was expected in the derivation');
  return term;
}

function string(term: Term | undefined): string {
  if (typeof term !== 'string') throw new DerivationUnreadable('a string was expected in the derivation');
  return term;
}

/** Lists, tuples and strings are all that a derivation holds. No recursion: a flat stack, whatever the depth. */
function parseTerm(text: string, start: number): Term {
  const open: Term[][] = [];
  let index = start;
  while (index < text.length) {
    const character = text[index];
    if (character === '[' || character === '(') {
      open.push([]);
      index += 1;
    } else if (character === ']' || character === ')') {
      const closed = open.pop();
      if (closed === undefined) break;
      const parent = open.at(-1);
      if (parent === undefined) return closed;
      parent.push(closed);
      index += 1;
    } else if (character === '"') {
      const end = endOfString(text, index + 1);
      open.at(-1)?.push(unescape(text.slice(index + 1, end)));
      index = end + 1;
    } else if (character === ',') {
      index += 1;
    } else {
      break;
    }
  }
  throw new DerivationUnreadable(`the derivation is cut off or malformed at byte ${index}`);
}

function endOfString(text: string, start: number): number {
  for (let index = start; index < text.length; index += 1) {
    if (text[index] === '\\') index += 1;
    else if (text[index] === '"') return index;
  }
  throw new DerivationUnreadable('the derivation ends within a string');
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

const unescape = (raw: string): string =>
  raw.includes('\\') ? raw.replace(/\\([\s\S])/g, (_, escaped: string) => ESCAPES[escaped] ?? escaped) : raw;
