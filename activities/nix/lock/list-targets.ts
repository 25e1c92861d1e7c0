import { finalFailure } from '../../../model/run/failures.js';
import type { CoordinatorActivities } from '../../../model/contract/activities.js';
import type { ListTargetsInput, TargetList } from '../../../model/contract/verification.js';
import { atLeast, type NixVersion } from '../../../model/nix/version.js';
import { oneLine } from '../../../model/text/one-line.js';
import { compareNaturally } from '../../../model/text/natural-order.js';
import type { ActivityEnvironment } from '../../environment.js';
import { readableFlakeLock } from '../../../model/flake-lock/parse.js';
import { flakeFile, flakeText } from '../../git/flake-files.js';
import { openGit } from '../../git/git.js';
import { withPrivateFolder } from '../../git/work-tree.js';
import { candidateFlakeUrl, installBundle } from '../../git/install-commit.js';
import { evaluateNames, evaluateOutputNames } from '../commands.js';
import { boundsForAll } from './bounds.js';
import {
  flakeSettings,
  nestedSources,
  readFlakeFile,
  settingLine,
  type FlakeAtCommit,
  type InputWish,
} from '../flake-file.js';
import { flakeFailure } from './flake-failure.js';
import { whileHeartbeating } from '../heartbeat.js';
import { restricted } from '../restricted.js';
import { runNix } from '../run-nix.js';
import { nixUnusable, nixVersion } from '../version.js';
import { chooseTargets, hostFilter, insteadOfHosts, isUsableName, listed } from '../../../model/targets/choose.js';
import { DEFAULT_KIND, outputKinds } from '../../../model/targets/index.js';
import { lookUp, type HowToLook } from './look-up.js';
import { watchRemotes } from './remote-watch.js';
import { candidateOnRemote } from '../../../model/verify/candidate.js';

const HOSTS = outputKinds[DEFAULT_KIND].output ?? '';

/**
 * Makes the activity that names the targets. It evaluates names alone, straight out of the mirror, so that one target that
 * throws hides no other. Repeating it is harmless: it writes nothing.
 * @throws `UnknownHost`, `NoTargets`, `NoFlake`, `FlakeDoesNotParse`, `LockUnreadable`, `NixUnusable`
 */
export const createListTargets =
  (env: ActivityEnvironment): CoordinatorActivities['listTargets'] =>
  (input) =>
    whileHeartbeating(null, async (signal, tell): Promise<TargetList> => {
      const version = await nixVersion();
      const { repository, base, candidate = candidateOnRemote(base) } = input;
      const mirror = await installBundle(env, { repository, candidate });
      const flake = { mirror, commit: input.base, repository: input.repository };
      await refuseNestedSources(flake, version);
      const { patterns } = input;
      const wishes = await lockedInputs(flake);
      const watch = watchRemotes({ wishes, own: [env.hostName] }, tell);
      return await withPrivateFolder(env, 'targets', async (cwd) => {
        const how: HowToLook = { signal, cwd, fetching: input.nix, ...boundsForAll() };
        const [chosen, ignoredNixConfig] = await Promise.all([
          watch.during({ folders: [cwd], inputs: [...wishes.keys()] }, () =>
            patterns === undefined ? hosts(flake, input, how) : choose(patterns, flake, input, how),
          ),
          ignoredSettings(flake, input),
        ]);
        return { ...chosen, ignoredNixConfig };
      });
    });

/** What the lock has for each input of the flake itself, as its `flake.nix` would name it. */
async function lockedInputs({ mirror, commit, repository }: FlakeAtCommit): Promise<ReadonlyMap<string, InputWish>> {
  const lock = readableFlakeLock(await flakeText(openGit(mirror), repository, commit, 'flake.lock'));
  return new Map(
    [...(lock?.root.inputs ?? [])].flatMap(([name, edge]) =>
      edge.kind === 'node' ? [[name, Object.fromEntries(edge.node.original ?? [])]] : [],
    ),
  );
}

type Chosen = Pick<TargetList, 'targets' | 'notAsked'>;

/** What patterns mean, of all that the flake has. */
async function choose(
  patterns: readonly string[],
  flake: FlakeAtCommit,
  input: ListTargetsInput,
  how: HowToLook,
): Promise<Chosen> {
  const { targets, notAsked, faults } = chooseTargets(
    patterns,
    await lookUp(flake, input.nix, patterns, how),
    input.lenient,
  );
  if (faults.length > 0) throw finalFailure('NoTargets', `${whereOf(input)}: ${faults.join(' ')}`);
  return { targets, notAsked };
}

/** All hosts, or those that are named. */
async function hosts(flake: FlakeAtCommit, input: ListTargetsInput, how: HowToLook): Promise<Chosen> {
  const names = await hostNames(flake, input, how);
  if (names.length === 0 && input.lenient !== true) throw await noHosts(flake, input, how);
  const selected = select(names, input);
  return {
    targets: selected.map((name) => ({ kind: DEFAULT_KIND, name })),
    notAsked: names.filter((name) => !selected.includes(name)),
  };
}

/** Sorted. */
async function hostNames(flake: FlakeAtCommit, input: ListTargetsInput, how: HowToLook): Promise<readonly string[]> {
  const url = candidateFlakeUrl(flake.mirror, flake.commit, input.repository.dir);
  const finished = await runNix('nix', evaluateNames(HOSTS, url, await restricted(flake, input.nix)), how);
  if (finished.exitCode === 0) return (JSON.parse(finished.stdout) as string[]).sort(compareNaturally);
  const missing = finished.stderr.includes('does not provide attribute');
  if (missing && finished.stderr.includes(HOSTS)) return [];
  throw await flakeFailure(flake, finished);
}

/** What the flake has in place of hosts is named, and how to ask for it. */
async function noHosts(flake: FlakeAtCommit, input: ListTargetsInput, how: HowToLook): Promise<Error> {
  const url = candidateFlakeUrl(flake.mirror, flake.commit, input.repository.dir);
  const finished = await runNix('nix', evaluateOutputNames(url, await restricted(flake, input.nix)), how);
  const outputs = finished.exitCode === 0 ? (JSON.parse(finished.stdout) as string[]) : [];
  return finalFailure(
    'NoTargets',
    `${whereOf(input)} has no hosts: ${HOSTS} is missing or empty.${insteadOfHosts(outputs)}`,
  );
}

const whereOf = (input: ListTargetsInput): string =>
  `${flakeFile(input.repository, 'flake.nix')} of commit ${input.base.slice(0, 12)}`;

function select(names: readonly string[], input: ListTargetsInput): readonly string[] {
  const where = whereOf(input);
  if (input.hosts !== 'all') {
    const known = input.hosts.filter((host) => names.includes(host));
    const unknown = input.hosts.filter((host) => !names.includes(host));
    if (unknown.length === 0 || input.lenient === true) return [...new Set(known)].sort(compareNaturally);
    throw finalFailure('UnknownHost', `${where} has no host ${listed(unknown)}. It has: ${listed(names)}.`);
  }
  const left = names.filter(hostFilter(input));
  const unusable = left.find((name) => !isUsableName(name));
  if (unusable !== undefined) {
    throw finalFailure(
      'UnknownHost',
      `${where} has a host whose name cannot be used, ${listed([unusable])}: names have 1 to 200 characters, none of them ` +
        'invisible. Give it another name, or leave it out with --exclude.',
    );
  }
  if (left.length > 0 || input.lenient === true) return left;
  throw finalFailure(
    'NoTargets',
    `The exclude pattern ${input.exclude ?? ''} leaves none of the hosts ${listed(names)}.`,
  );
}

/** What the flake's `nixConfig` asks for and does not get. */
async function ignoredSettings(flake: FlakeAtCommit, input: ListTargetsInput): Promise<readonly string[]> {
  if (input.nix.acceptFlakeConfig) return [];
  const text = await readFlakeFile(flake);
  const settings = text === null ? [] : await flakeSettings(text);
  return settings?.map(settingLine) ?? ['nixConfig = (cannot be read without running the flake)'];
}

/**
 * Refuses a flake that this Nix cannot hold to its lock. Before 2.20 an input of an input to which `flake.nix` gives a source of
 * its own was asked for anew by every command: pure evaluation refuses that, and any other would verify what no lock says.
 * @throws `NixUnusable`
 */
async function refuseNestedSources(flake: FlakeAtCommit, version: NixVersion): Promise<void> {
  if (atLeast(version, 2, 20)) return;
  const text = await readFlakeFile(flake);
  const [first] = text === null ? [] : await nestedSources(text);
  if (first === undefined) return;
  const option = first.map((name) => `inputs.${oneLine(name, 100)}`).join('.');
  throw nixUnusable(
    `flake.nix sets ${option}.url, and ${version.text} asks for such an input anew whatever the lock says. ` +
      `Install Nix 2.20 or newer, or make the source an input of the flake itself and set ${option}.follows`,
  );
}
