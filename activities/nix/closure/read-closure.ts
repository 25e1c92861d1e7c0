import { readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { sideBySide } from '../../../host/side-by-side.js';
import { splitName } from '../../../model/closure/package-name.js';
import type { PathInfo } from '../../../model/closure/path-info.js';
import type { Closure, ClosurePath } from '../../../model/closure/closure.js';
import type { BootLinks } from '../../../model/closure/switching.js';
import type { NixSettings } from '../../../model/run/options.js';
import { cachedPaths } from './cached-paths.js';
import { localClosure } from './local-closures.js';
import {
  parseDerivation,
  storeName,
  type DerivationFile,
  type DerivationOutput,
} from '../../../model/nix/derivation-file.js';

/** Derivations that are read at once. */
const AT_ONCE = 64;

/** What is known of the package of a path. */
type PackageFacts = Pick<ClosurePath, 'name' | 'patched'>;

interface Named {
  readonly name: string;
  readonly version: string;
  readonly outputs: readonly DerivationOutput[];
  /** Vulnerabilities that names of its patches tell of. */
  readonly patched: readonly string[];
}

export interface ReadClosure extends Closure {
  readonly infos: ReadonlyMap<string, PathInfo>;
}

/** Reads closures; what two of them share, and what makes several outputs, is read once. */
export interface ClosureReader {
  /** All that a target's store path needs at run time; `null` when the store of this machine does not have it. */
  readonly local: (top: string) => Promise<ReadClosure | null>;
  /** The same of one that only caches have: see `cachedPaths`. @param beside one of this machine that shares paths */
  readonly cached: (top: string, beside: ReadClosure, settings: NixSettings) => Promise<ReadClosure | null>;
  /** Packages that derivations of the store make, without sizes. Without what names no version, such as patches. */
  readonly packagesOf: (derivations: readonly string[]) => Promise<Closure>;
}

/** @param host name of the host whose systems they may be; `null` when they are none */
export function closureReader(host: string | null, signal: AbortSignal): ClosureReader {
  const derivations = new Map<string, Promise<Named | null>>();
  const namedBy = (drv: string): Promise<Named | null> => {
    const reading = derivations.get(drv) ?? readNamed(drv);
    derivations.set(drv, reading);
    return reading;
  };
  const factsOf = async ({ path: storePath, deriver }: PathInfo): Promise<PackageFacts> => {
    const found = deriver === null ? null : await namedBy(deriver);
    if (found === null) return { name: splitName(storeName(storePath), host) };
    const output = found.outputs.find((each) => each.path === storePath)?.name ?? 'out';
    const { name, version, patched } = found;
    return { name: { name, version, output }, ...(patched.length > 0 && { patched }) };
  };
  const closureOf = async (top: string, paths: readonly PathInfo[]): Promise<ReadClosure> => {
    const infos = new Map(paths.map((each) => [each.path, each]));
    const software = (await linkOf(top, 'sw')) ?? infos.get(top)?.references.find(isSoftware);
    const named = await sideBySide(paths, AT_ONCE, async (each) => {
      return { path: each.path, narSize: each.narSize, ...(await factsOf(each)) };
    });
    return { paths: named, selected: new Set(infos.get(software ?? '')?.references), infos };
  };
  return {
    local: async (top) => {
      const paths = await localClosure(top, signal);
      return paths === null ? null : await closureOf(top, paths);
    },
    cached: async (top, { infos }, settings) => {
      const paths = await cachedPaths(top, infos, settings, signal);
      return paths === null ? null : await closureOf(top, paths);
    },
    packagesOf: async (drvs) => {
      const paths = await sideBySide(drvs, AT_ONCE, async (drv) => {
        const found = await namedBy(drv);
        return found === null
          ? []
          : [
              {
                ...{ path: drv, narSize: 0, name: { name: found.name, version: found.version, output: 'out' } },
                ...(found.patched.length > 0 && { patched: found.patched }),
              },
            ];
      });
      return { paths: paths.flat(), selected: new Set() };
    },
  };
}

/** What `sw` of a system leads to; only a system that is here has the link. */
const isSoftware = (storePath: string): boolean => storeName(storePath) === 'system-path';

/** `null` when the derivation is not in the store, is of an unknown kind, or names no version. */
async function readNamed(drvPath: string): Promise<Named | null> {
  try {
    const { env, outputs } = parseDerivation(await readFile(drvPath, 'utf8'));
    const { name, version, patches } = attributesOf(env);
    if (typeof name !== 'string' || typeof version !== 'string' || version === '') return null;
    if (!name.endsWith(`-${version}`)) return null;
    return { name: name.slice(0, -version.length - 1), version, outputs, patched: vulnerabilitiesIn(patches) };
  } catch {
    return null;
  }
}

/** Patches are named after what they fix: `/nix/store/…-CVE-2024-1234.patch`. */
const vulnerabilitiesIn = (patches: unknown): readonly string[] => [
  ...new Set((JSON.stringify(patches ?? '').match(/CVE-\d{4}-\d{4,}/gi) ?? []).map((id) => id.toUpperCase())),
];

/** Attributes of a derivation: its variables, or the JSON that stands for them. */
function attributesOf(env: DerivationFile['env']): Readonly<Record<string, unknown>> {
  const structured = env.get('__json');
  const attributes: unknown = structured === undefined ? Object.fromEntries(env) : JSON.parse(structured);
  return typeof attributes === 'object' && attributes !== null ? { name: env.get('name'), ...attributes } : {};
}

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
