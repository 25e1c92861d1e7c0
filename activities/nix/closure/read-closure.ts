import { readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { splitName, type PackageName } from '../../../model/closure/package-name.js';
import { readPathInfo, type PathInfo } from '../../../model/closure/path-info.js';
import type { Closure } from '../../../model/closure/closure.js';
import type { BootLinks } from '../../../model/closure/switching.js';
import { pathInfo } from '../commands.js';
import { storeName } from '../../../model/nix/derivation-file.js';
import { runNix } from '../run-nix.js';

/** Derivations that are read at once. */
const BATCH = 64;

/**
 * All that a target needs at run time, as the store of this machine has it.
 * @param top store path of the target
 * @param host name of the host whose system it is; `null` when it is none
 * @returns `null` when it is not in the store
 */
export async function readClosure(top: string, host: string | null, signal: AbortSignal): Promise<Closure | null> {
  const { exitCode, stdout } = await runNix('nix', pathInfo(top), { signal, background: true });
  const paths = exitCode === 0 ? readPathInfo(stdout) : null;
  if (paths === null) return null;
  const software = await linkOf(top, 'sw');
  const selected = paths.find((each) => each.path === software)?.references ?? [];
  return { paths: await named(paths, host), selected: new Set(selected) };
}

async function named(paths: readonly PathInfo[], host: string | null): Promise<Closure['paths']> {
  const closure: Closure['paths'][number][] = [];
  for (let start = 0; start < paths.length; start += BATCH) {
    const names = paths.slice(start, start + BATCH).map(async (each) => {
      const { narSize, deriver } = each;
      const name = deriver === null ? null : await nameByDerivation(each.path, deriver);
      return { path: each.path, narSize, name: name ?? splitName(storeName(each.path), host) };
    });
    closure.push(...(await Promise.all(names)));
  }
  return closure;
}

/**
 * What the derivation says: `version` of its environment, the output whose path it is, and the name before both.
 * @returns `null` when the derivation is not in the store, or names no version
 */
async function nameByDerivation(storePath: string, deriver: string): Promise<PackageName | null> {
  let text: string;
  try {
    text = await readFile(deriver, 'utf8');
  } catch {
    return null;
  }
  const version = attributeOf(text, 'version');
  const drvName = attributeOf(text, 'name');
  if (version === null || version === '' || drvName?.endsWith(`-${version}`) !== true) return null;
  const before = text.slice(0, text.indexOf(`","${storePath}",`));
  const output = /\("([^"]*)$/.exec(before)?.[1] ?? 'out';
  return { name: drvName.slice(0, -version.length - 1), version, output };
}

/** An attribute of a derivation's environment, plain or in the JSON of structured attributes; names need no escapes. */
function attributeOf(text: string, name: string): string | null {
  const plain = new RegExp(`\\("${name}","([^"\\\\]*)"\\)`).exec(text);
  return (plain ?? new RegExp(`\\\\"${name}\\\\":\\\\"([^"\\\\]*)\\\\"`).exec(text))?.[1] ?? null;
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
