import { readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { splitName, type PackageName } from '../../../model/closure/package-name.js';
import { readPathInfo, type PathInfo } from '../../../model/closure/path-info.js';
import type { Closure } from '../../../model/closure/closure.js';
import type { BootLinks } from '../../../model/closure/switching.js';
import { pathInfo } from '../commands.js';
import {
  parseDerivation,
  storeName,
  type DerivationFile,
  type DerivationOutput,
} from '../../../model/nix/derivation-file.js';
import { runNix } from '../run-nix.js';

/** Derivations that are read at once. */
const BATCH = 64;

/** What a derivation says of its packages. */
interface Named {
  readonly name: string;
  readonly version: string;
  readonly outputs: readonly DerivationOutput[];
}

/**
 * Gives what reads closures; what two of them share, and what makes several outputs, is read once.
 * @param host name of the host whose systems they may be; `null` when they are none
 * @returns a function from a target's store path to all that it needs at run time, `null` when the store of this machine does
 *   not have it
 */
export function closureReader(host: string | null, signal: AbortSignal): (top: string) => Promise<Closure | null> {
  const derivations = new Map<string, Promise<Named | null>>();
  const nameOf = async ({ path: storePath, deriver }: PathInfo): Promise<PackageName> => {
    if (deriver === null) return splitName(storeName(storePath), host);
    const reading = derivations.get(deriver) ?? readNamed(deriver);
    derivations.set(deriver, reading);
    const found = await reading;
    if (found === null) return splitName(storeName(storePath), host);
    const output = found.outputs.find((each) => each.path === storePath)?.name ?? 'out';
    return { name: found.name, version: found.version, output };
  };
  const named = async (paths: readonly PathInfo[]): Promise<Closure['paths']> => {
    const closure: Closure['paths'][number][] = [];
    for (let start = 0; start < paths.length; start += BATCH) {
      const batch = paths.slice(start, start + BATCH).map(async (each) => {
        return { path: each.path, narSize: each.narSize, name: await nameOf(each) };
      });
      closure.push(...(await Promise.all(batch)));
    }
    return closure;
  };
  return async (top) => {
    const { exitCode, stdout } = await runNix('nix', pathInfo(top), { signal, background: true });
    const paths = exitCode === 0 ? readPathInfo(stdout) : null;
    if (paths === null) return null;
    const software = await linkOf(top, 'sw');
    const selected = paths.find((each) => each.path === software)?.references ?? [];
    return { paths: await named(paths), selected: new Set(selected) };
  };
}

/** `null` when the derivation is not in the store, is of an unknown kind, or names no version. */
async function readNamed(drvPath: string): Promise<Named | null> {
  try {
    const { env, outputs } = parseDerivation(await readFile(drvPath, 'utf8'));
    const { name, version } = attributesOf(env);
    if (typeof name !== 'string' || typeof version !== 'string' || version === '') return null;
    return name.endsWith(`-${version}`) ? { name: name.slice(0, -version.length - 1), version, outputs } : null;
  } catch {
    return null;
  }
}

/** Attributes of a derivation: its variables, or the JSON that stands for them. */
function attributesOf(env: DerivationFile['env']): Readonly<Record<string, unknown>> {
  const structured = env.get('__json');
  const attributes: unknown = structured === undefined ? Object.fromEntries(env) : JSON.parse(structured);
  return typeof attributes === 'object' && attributes !== null ? { name: env.get('name'), ...attributes } : {};
}

/** What decides whether a machine can switch to a system. */
export async function readBootLinks(top: string): Promise<BootLinks> {
  const [kernel, initrd, kernelModules, inhibitors] = await Promise.all([
    linkOf(top, 'kernel'),
    linkOf(top, 'initrd'),
    linkOf(top, 'kernel-modules'),
    readInhibitors(top),
  ]);
  return { kernel, initrd, kernelModules, inhibitors };
}

async function linkOf(top: string, name: string): Promise<string | null> {
  try {
    return await readlink(path.join(top, name));
  } catch {
    return null;
  }
}

async function readInhibitors(top: string): Promise<BootLinks['inhibitors']> {
  try {
    const found: unknown = JSON.parse(await readFile(path.join(top, 'switch-inhibitors'), 'utf8'));
    if (typeof found !== 'object' || found === null) return {};
    const texts = Object.entries(found as Readonly<Record<string, unknown>>).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value] as const] : [],
    );
    return Object.fromEntries(texts);
  } catch {
    return {};
  }
}
