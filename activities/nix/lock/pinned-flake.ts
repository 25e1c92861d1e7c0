import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseFlakeLock } from '../../../model/flake-lock/parse.js';
import { serialiseLock } from '../../../model/flake-lock/serialise.js';
import { nixString } from '../../../model/nix/text.js';
import type { Pin } from './cool-down.js';
import type { InputWish } from '../flake-file.js';

/**
 * Does something while the `flake.nix` of a folder asks for some inputs at other revisions, and the same as before of all others: Nix's
 * `--override-input` does not take every name, and forgets more than the revision.
 */
export async function whilePinned<T>(
  folder: string,
  wishes: ReadonlyMap<string, InputWish>,
  pins: ReadonlyMap<string, Pin>,
  work: () => Promise<T>,
): Promise<T> {
  if (pins.size === 0) return work();
  const file = path.join(folder, 'flake.nix');
  const own = await readFile(file);
  const inputs = Object.fromEntries([...wishes].map(([name, wish]) => [name, pins.get(name)?.wish ?? wish]));
  await writeFile(file, `{ inputs = ${nixValue(inputs)}; outputs = inputs: { }; }\n`);
  try {
    return await work();
  } finally {
    await writeFile(file, own);
  }
}

/** A lock that was made so, with what the real `flake.nix` asks for. */
export function withOriginals(text: string, pins: ReadonlyMap<string, Pin>): string {
  if (pins.size === 0) return text;
  const lock = parseFlakeLock(text);
  const inputs = new Map(lock.root.inputs);
  for (const [name, { original }] of pins) {
    const edge = inputs.get(name);
    if (edge?.kind === 'node') inputs.set(name, { kind: 'node', node: { ...edge.node, original } });
  }
  return serialiseLock({ ...lock, root: { ...lock.root, inputs } });
}

function nixValue(value: unknown): string {
  if (typeof value === 'string') return nixString(value);
  if (Array.isArray(value)) return `[ ${value.map((each) => `(${nixValue(each)})`).join(' ')} ]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([name, each]) => `${nixString(name)} = ${nixValue(each)};`)
    .join(' ')} }`;
}
