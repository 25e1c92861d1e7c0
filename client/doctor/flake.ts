import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { messageOf } from '../../model/text/message-of.js';
import { oneLine, oneName } from '../../model/text/one-line.js';
import type { Repository } from '../../model/run/options.js';
import { insteadOfHosts } from '../../model/targets/choose.js';
import { DEFAULT_KIND, outputKindNames, outputKinds } from '../../model/targets/index.js';
import { flakeContents, type FlakeContents } from '../flake/contents.js';
import { resolveFlake } from '../flake/flake.js';
import { ok, warn, type Finding } from './finding.js';

const NO_CREDENTIALS = { sshKeyFile: null, knownHostsFile: null, httpsTokenFile: null };

/**
 * Whether a run of this flake would find what it needs. Without one that of the current folder is looked at, if that is in
 * one; as nobody asked for it, nothing that is wrong with it makes `doctor` fail.
 */
export async function checkFlake(flake: string | null): Promise<readonly Finding[]> {
  if (flake === null && !isInFlake(process.cwd())) return [];
  const level = flake === null ? 'warn' : 'fail';
  const bad = (name: string, found: string, wayOut: string | null): Finding => ({ name, level, found, wayOut });
  let repository: Repository;
  try {
    repository = await resolveFlake(flake ?? '.', { remote: null, main: null, transport: NO_CREDENTIALS });
  } catch (error) {
    return [bad('flake', messageOf(error), null)];
  }
  const { displayUrl, mainBranch, dir } = repository;
  const where = `${displayUrl}, branch ${mainBranch}${dir === '' ? '' : `, folder ${dir}`}`;
  const seen = await flakeContents(repository, { options: [], impure: false }, true);
  return seen.ok
    ? [ok('flake', `${where}, commit ${seen.value.commit.slice(0, 12)}`), ...contentFindings(seen.value, bad)]
    : [bad('flake', `${where}: ${seen.why}`, 'see what Git says: git fetch')];
}

const isInFlake = (folder: string): boolean =>
  existsSync(resolve(folder, 'flake.nix')) || (dirname(folder) !== folder && isInFlake(dirname(folder)));

function contentFindings(
  { hasFlake, inputs, outputs, pushes }: FlakeContents,
  bad: (name: string, found: string, wayOut: string | null) => Finding,
): readonly Finding[] {
  if (!hasFlake)
    return [bad('flake.nix', 'not in that commit', 'commit and push it, or name its folder: FLAKE?dir=FOLDER')];
  return [
    inputs.ok ? ok('flake inputs', listed(inputs.value)) : bad('flake inputs', inputs.why, null),
    !outputs.ok
      ? bad('flake hosts', outputs.why, 'see what Nix says: nix flake show')
      : outputs.value.hosts.length > 0
        ? ok('flake hosts', listed(outputs.value.hosts))
        : (hasOtherKinds(outputs.value.all) ? warn : bad)(
            'flake hosts',
            `none: ${HOSTS} is missing or empty; the flake has ${outputs.value.all.map(oneName).join(', ') || 'no outputs'}`,
            `Lockkeeper builds the hosts of ${HOSTS} where nothing else is chosen.${insteadOfHosts(outputs.value.all)}`,
          ),
    ...(pushes === null
      ? [ok('flake remote', 'none: updates land in this repository')]
      : [
          pushes.ok
            ? ok('flake remote', 'lets this user push, as far as it says without a push')
            : bad('flake remote', `does not let this user push: ${oneLine(pushes.why)}`, 'see docs/troubleshooting.md'),
        ]),
  ];
}

const HOSTS = outputKinds[DEFAULT_KIND].output ?? '';

const hasOtherKinds = (outputs: readonly string[]): boolean =>
  outputKindNames.some((kind) => outputs.some((output) => output !== HOSTS && output === outputKinds[kind].output));

const LISTED = 12;

const listed = (names: readonly string[]): string =>
  `${names.length}${names.length === 0 ? '' : ': '}${names.slice(0, LISTED).map(oneName).join(', ')}` +
  (names.length > LISTED ? ` and ${names.length - LISTED} more` : '');
