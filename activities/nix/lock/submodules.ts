import { ownGitEnvironment } from '../../../model/git/environment.js';
import { readSettings } from '../../../model/git/remotes.js';
import { sameContent } from '../../../model/flake-lock/content.js';
import { nodesBelow, unpermitted, type Source } from '../../../model/flake-lock/sources.js';
import {
  hasSubmodules,
  repositoryOf,
  submoduleAddress,
  submoduleSource,
} from '../../../model/flake-lock/submodules.js';
import type { FlakeLock, SourceAttributes } from '../../../model/flake-lock/types.js';
import { launch } from '../../command/launcher.js';
import { readSubmodules } from '../commands.js';
import { runNix } from '../run-nix.js';
import type { AskedFlake } from './asked.js';
import { boundsFor } from './bounds.js';
import { permissionOf } from './new-sources.js';

type About = Pick<AskedFlake, 'nix' | 'rules' | 'signal' | 'proxy'>;

/** Nobody has that many, or so many in one another. */
const MOST = 500;
const DEEPEST = 10;

/** A folder of a source that has a `.gitmodules`, and the address of the repository that is there. */
interface Place {
  readonly folder: string;
  readonly repository: string | null;
}

/** The submodules of a source and those in them, as far as it has them. @param store default: the machine's */
export async function submoduleSources(
  locked: SourceAttributes,
  { nix, rules: { own }, signal, proxy }: About,
  store?: string,
): Promise<readonly Source[]> {
  const found: Source[] = [];
  let places: readonly Place[] = [{ folder: '', repository: repositoryOf(locked) }];
  for (let depth = 0; places.length > 0; depth += 1) {
    const folders = places.map(({ folder }) => folder);
    const tooMany = depth > DEEPEST || found.length > MOST;
    const texts = tooMany
      ? null
      : await runNix('nix-instantiate', readSubmodules(locked, folders, nix, store), {
          signal,
          fetching: nix,
          passage: proxy.passage(),
          ...boundsFor(1),
        });
    if (texts?.exitCode !== 0) return [...found, UNREADABLE];
    const below: Place[] = [];
    for (const [index, text] of (JSON.parse(texts.stdout) as (string | null)[]).entries()) {
      const place = places[index];
      if (text === null || place === undefined) continue;
      const listed = await submodulesIn(text);
      if (listed === null) return [...found, UNREADABLE];
      for (const { urls, paths } of listed) {
        found.push(...urls.map((url) => submoduleSource(url, place.repository, own)));
        for (const path of paths)
          below.push({
            folder: `${place.folder}/${path}`,
            repository: submoduleAddress(urls.at(-1) ?? '', place.repository),
          });
      }
    }
    places = below;
  }
  return found;
}

/** What cannot be told; nobody can accept it. */
const UNREADABLE: Source = { text: 'submodule:.gitmodules', reach: 'guarded', origin: 'submodule:.gitmodules' };

interface Submodule {
  readonly urls: readonly string[];
  readonly paths: readonly string[];
}

/** Submodules in a `.gitmodules`; `null` when it cannot be read, or holds what stands elsewhere. */
async function submodulesIn(text: string): Promise<readonly Submodule[] | null> {
  const list = ['config', '--file', '-', '--null', '--list'];
  const env = ownGitEnvironment(process.env);
  const { exitCode, stdout } = await launch('git', list, { cwd: '/', env, input: text, timeoutMs: 10_000 });
  if (exitCode !== 0) return null;
  const submodules = new Map<string, { urls: string[]; paths: string[] }>();
  for (const [key, value] of readSettings(stdout)) {
    if (/^include(?:if)?\./i.test(key)) return null;
    const [, name = '', what] = /^submodule\.(.*)\.(url|path)$/s.exec(key) ?? [];
    if (what === undefined) continue;
    const submodule = submodules.get(name) ?? { urls: [], paths: [] };
    submodules.set(name, submodule);
    if (what === 'url') submodule.urls.push(value);
    else if (value.split('/').some((part) => ['', '.', '..'].includes(part))) return null;
    else submodule.paths.push(value);
  }
  return [...submodules.values()];
}

/** Unpermitted submodules from where base's revision had none. @param found of the new revision */
export async function unpermittedSubmodules(
  about: About,
  name: string,
  found: readonly Source[],
): Promise<readonly Source[]> {
  const { lock } = about.rules;
  const texts = unpermitted(found, permissionOf(about.rules, name));
  if (texts.length === 0 || lock === null) return found.filter(({ text }) => texts.includes(text));
  const before = nodesBelow(lock, name).flatMap((node) =>
    node.locked !== null && hasSubmodules(node) ? [node.locked] : [],
  );
  const known = (await Promise.all(before.map((locked) => submoduleSources(locked, about)))).flat();
  const origins = new Set(known.map(({ origin }) => origin).filter((origin) => origin !== UNREADABLE.origin));
  return found.filter(({ text, origin }) => texts.includes(text) && !origins.has(origin));
}

/** Unpermitted submodules of the inputs of a new lock, by input. @param store that all of it was fetched into */
export async function broughtAsSubmodules(
  about: About,
  after: FlakeLock,
  store: string,
): Promise<ReadonlyMap<string, readonly Source[]>> {
  const { lock } = about.rules;
  const brought = new Map<string, readonly Source[]>();
  for (const [name, edge] of after.root.inputs) {
    const before = lock === null ? [] : nodesBelow(lock, name);
    const fresh = (edge.kind === 'follows' ? [] : nodesBelow(after, name)).filter(
      (node) => hasSubmodules(node) && !before.some((each) => sameContent(each, node)),
    );
    const found: Source[] = [];
    for (const { locked } of fresh) if (locked !== null) found.push(...(await submoduleSources(locked, about, store)));
    const rest = await unpermittedSubmodules(about, name, found);
    if (rest.length > 0) brought.set(name, rest);
  }
  return brought;
}
