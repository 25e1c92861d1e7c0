import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { nearest } from '../../model/text/nearest.js';
import type { Instance } from '../../model/config/options/index.js';
import { BadInput } from '../../model/checks/names.js';
import { signingOf } from '../../model/config/options/landing.js';
import { chooseRequired, chooseTargets, insteadOfHosts } from '../../model/targets/choose.js';
import { DEFAULT_KIND, outputKinds, targetLabel, type FlakeTarget } from '../../model/targets/index.js';
import { oneLine, oneName } from '../../model/text/one-line.js';
import type { Repository } from '../../model/run/options.js';
import { systemCode } from '../../host/errors.js';
import { CommandError } from '../errors.js';
import { flakeContents, type FlakeContents, type Outputs, type Told } from '../flake/contents.js';
import { optionsAt, repositoryFinder } from './instance-options.js';
import { signingFault } from './signing-fault.js';
import { namedFiles } from './named-files.js';
import { remoteMainBranch } from '../flake/main-branch.js';
import { sideBySide } from '../../host/side-by-side.js';

/** What a configuration names and is not there, and what could not be looked at. */
export interface Looked {
  readonly faults: readonly string[];
  readonly notes: readonly string[];
}

const NOTHING: Looked = { faults: [], notes: [] };
/** Repositories at once. */
const AT_ONCE = 4;

/** Looks whether repositories, folders, hosts, inputs and files of these instances are there, as far as this account can see. */
export async function lookAtInstances(instances: readonly Instance[]): Promise<Looked> {
  const find = repositoryFinder();
  const contents = contentsFinder();
  const looked = await sideBySide(instances, AT_ONCE, (instance) => lookAt(instance, find, contents));
  return { faults: looked.flatMap(({ faults }) => faults), notes: looked.flatMap(({ notes }) => notes) };
}

async function lookAt(
  instance: Instance,
  find: ReturnType<typeof repositoryFinder>,
  contentsOf: ReturnType<typeof contentsFinder>,
): Promise<Looked> {
  const where = `instances.${instance.name}`;
  if (isOfAnother(instance)) {
    const note = `the repository of ${where} was not looked at, which its user ${String(instance.user)} has to do`;
    return { ...NOTHING, notes: [note] };
  }
  const notes = await missingFiles(instance, where);
  try {
    const repository = await find(instance);
    optionsAt(instance, repository);
    const contents = await contentsOf(repository, instance);
    const signing = await keyFaults(instance, where);
    if (contents.ok)
      return { faults: [...signing, ...contentFaults(instance, where, repository, contents.value)], notes };
    await refuseUnknownBranch(repository, where);
    return {
      faults: signing,
      notes: [...notes, `the repository of ${where} cannot be read: ${oneLine(contents.why)}`],
    };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const fault = error.message.replace(/\.$/, '');
    return { faults: [fault.startsWith(where) ? fault : `${where}: ${fault}`], notes };
  }
}

/** Its worker has the rights of that account, and its files. */
const isOfAnother = ({ user }: Instance): boolean =>
  user !== null && process.getuid?.() !== 0 && user !== (process.env.USER ?? process.env.LOGNAME);

/** `flakeContents` that looks once at the repository of several instances. */
function contentsFinder(): (repository: Repository, instance: Instance) => Promise<Told<FlakeContents>> {
  const known = new Map<string, Promise<Told<FlakeContents>>>();
  return (repository, { nixOptions, impure, targets }) => {
    const evaluation = { options: Object.entries(nixOptions), impure, patterns: targets };
    const key = JSON.stringify([repository, evaluation]);
    const found = known.get(key) ?? flakeContents(repository, evaluation, false);
    known.set(key, found);
    return found;
  };
}

/** @throws CommandError with the branches of a remote that answers and does not have that one */
async function refuseUnknownBranch(
  { url, checkout, local, mainBranch, transport }: Repository,
  where: string,
): Promise<void> {
  if (local) return;
  try {
    await remoteMainBranch({ url, checkout, wanted: mainBranch, transport });
  } catch (error) {
    if (!(error instanceof CommandError) || !error.message.startsWith('There is no branch')) return;
    throw new CommandError(`${where}.mainBranch: ${error.message}`);
  }
}

function contentFaults(
  instance: Instance,
  where: string,
  { displayUrl, mainBranch, dir }: Repository,
  { hasFlake, inputs, outputs }: FlakeContents,
): readonly string[] {
  if (!hasFlake) {
    return [
      `${where}: the branch ${mainBranch} of ${displayUrl} has no ${dir === '' ? '' : `${dir}/`}flake.nix: commit and push it, or give flakeDir`,
    ];
  }
  const unknown = (option: string, names: readonly string[], what: string, there: readonly string[]): string[] =>
    names
      .filter((name) => !there.includes(name))
      .map(
        (name) =>
          new BadInput(`${where}.${option}`, name, `is not ${what} of the flake: ${instead(name, there)}`).message,
      );
  const hosts = outputs.ok ? outputs.value.hosts : null;
  const locked = inputs.ok ? inputs.value : null;
  return [
    ...(hosts === null ? [] : unknown('buildSystems', instance.buildSystems, 'a host', hosts)),
    ...(outputs.ok ? targetFaults(instance, where, outputs.value) : []),
    ...(locked === null
      ? []
      : [
          ...unknown('flakeInputs', instance.flakeInputs, 'an input', locked),
          ...unknown('excludeInputs', instance.excludeInputs, 'an input', locked),
          ...unknown('inputGroups', instance.inputGroups.flat(), 'an input', locked),
          ...unknown('inputCooldown', Object.keys(instance.inputCooldown), 'an input', locked),
          ...unknown('neverHoldBack', instance.neverHoldBack, 'an input', locked),
          ...unknown(
            'pinnedInputs',
            instance.pinnedInputs.map(({ input }) => input),
            'an input',
            locked,
          ),
        ]),
  ];
}

function targetFaults(
  { targets, buildSystems, require }: Instance,
  where: string,
  { hosts, sets, all }: Outputs,
): readonly string[] {
  const required = require === 'all' ? [] : require;
  if (targets.length > 0) {
    const chosen = chooseTargets(targets, sets);
    if (chosen.faults.length > 0) return chosen.faults.map((fault) => `${where}.targets: ${fault.replace(/\.$/, '')}`);
    return unmet(required, chosen.targets, `${where}.require`, 'is not built');
  }
  if (hosts.length === 0 && buildSystems.length === 0) {
    const { output } = outputKinds[DEFAULT_KIND];
    return [
      `${where}: the flake has no hosts: ${output ?? ''} is missing or empty.${insteadOfHosts(all)}`.replace(/\.$/, ''),
    ];
  }
  return unmet(
    required,
    hosts.map((name) => ({ kind: DEFAULT_KIND, name })),
    `${where}.require`,
    'is not a host of the flake',
  );
}

const unmet = (
  required: readonly string[],
  targets: readonly FlakeTarget[],
  field: string,
  fault: string,
): readonly string[] =>
  chooseRequired(required, targets).unknown.map(
    (text) => new BadInput(field, text, `${fault}: ${instead(text, targets.map(targetLabel))}`).message,
  );

const LISTED = 12;

function instead(name: string, there: readonly string[]): string {
  const near = nearest(name, there);
  if (near !== null) return `did you mean "${oneName(near)}"?`;
  if (there.length === 0) return 'it has none.';
  const more = there.length > LISTED ? ` and ${there.length - LISTED} more` : '';
  return `it has ${there.slice(0, LISTED).map(oneName).join(', ')}${more}.`;
}

/** A key that is here has to sign; one that is not may be on the worker's machine. */
async function keyFaults(instance: Instance, where: string): Promise<readonly string[]> {
  const { signing } = signingOf(instance);
  if (signing === undefined || (await isMissing(signing.keyFile))) return [];
  const fault = await signingFault(signing);
  return fault === null ? [] : [`${where}.signing: ${fault}`];
}

/** Files that the worker needs, perhaps on another machine. systemd gives a service those below /run/credentials. */
async function missingFiles(instance: Instance, where: string): Promise<readonly string[]> {
  const notes = await Promise.all(
    namedFiles(instance).map(async ({ option, use, path }) => {
      const needed = use === 'written' ? dirname(path) : path;
      return (await isMissing(needed)) && !needed.startsWith('/run/credentials/')
        ? [`${where}.${option}: there is no ${needed} on this machine`]
        : [];
    }),
  );
  return notes.flat();
}

async function isMissing(file: string): Promise<boolean> {
  const error: unknown = await stat(file).then(
    () => null,
    (reason: unknown) => reason,
  );
  return systemCode(error) === 'ENOENT';
}
