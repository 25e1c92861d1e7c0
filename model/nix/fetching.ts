import type { DerivationFile } from './derivation-file.js';

/**
 * Whether what builds a derivation has the network of the machine: its output has a hash, or Nix cannot say what it will be. All others
 * are built without one in Nix's sandbox.
 */
export const hasNetwork = ({ outputs }: DerivationFile): boolean =>
  outputs.some(({ path, hash }) => hash !== '' || path === '');

/** What only says which content is expected. */
const EXPECTED = ['outputHash', 'outputHashAlgo'];

/** What such a derivation does, as one text: two that differ in the content that they expect, and in nothing else, have the same. */
export function whatItFetches({ outputs, env, ...rest }: DerivationFile): string {
  const expected = new Set([...EXPECTED, ...outputs.map(({ name }) => name)]);
  const variables = [...env]
    .filter(([name]) => !expected.has(name))
    .map(([name, value]) => [name, name === '__json' ? withoutExpected(value) : value]);
  return JSON.stringify([rest, variables]);
}

function withoutExpected(json: string): unknown {
  const attributes = JSON.parse(json) as Record<string, unknown>;
  return Object.entries(attributes).filter(([name]) => !EXPECTED.includes(name));
}
