import { finalFailure } from '../../../model/run/failures.js';
import type { CoordinatorActivities, ListTargetsInput, TargetList } from '../../../model/contract/activities.js';
import { wholeNameExpression } from '../../../model/checks/names.js';
import { compareNaturally } from '../../../model/text/natural-order.js';
import { stripControl, truncate } from '../../../model/text/text.js';
import type { ActivityEnvironment } from '../../environment.js';
import { flakeFile } from '../../git/flake-files.js';
import { candidateFlakeUrl, installCommit } from '../../git/install-commit.js';
import { evaluateNames, evaluateOutputNames } from '../commands.js';
import { flakeSettings, readFlakeFile, settingLine, type FlakeAtCommit } from './flake-file.js';
import { flakeFailure } from './flake-failure.js';
import { refuseNestedSources } from './nested-sources.js';
import { whileHeartbeating } from '../heartbeat.js';
import { restricted } from '../restricted.js';
import { runNix } from '../run-nix.js';
import { nixVersion } from '../version.js';
import { outputKindNames, outputKinds, targetLabel, type FlakeTarget } from '../../../model/targets/index.js';

/**
 * Makes the activity that names the targets. It evaluates names alone, straight out of the mirror, so that one host that
 * throws hides no other. Repeating it is harmless: it writes nothing.
 * @throws `UnknownHost`, `NoTargets`, `NoFlake`, `FlakeDoesNotParse`, `LockUnreadable`, `NixUnusable`
 */
export const createListTargets =
  (env: ActivityEnvironment): CoordinatorActivities['listTargets'] =>
  (input) =>
    whileHeartbeating(null, async (signal): Promise<TargetList> => {
      const version = await nixVersion();
      const mirror = await installCommit(env, input.repository, input.base);
      const flake = { mirror, commit: input.base, repository: input.repository };
      await refuseNestedSources(flake, version);
      const [targets, ignoredNixConfig] = await Promise.all([
        Promise.all(outputKindNames.map((kind) => targetsOf(kind, flake, input, signal))),
        ignoredSettings(flake, input),
      ]);
      const byLabel = new Map(targets.flat().map((target) => [targetLabel(target), target]));
      const labels = [...byLabel.keys()];
      if (labels.length === 0) throw await noHosts(flake, input, signal);
      const selected = select(labels, input);
      const notAsked = labels.filter((label) => !selected.includes(label));
      return { targets: selected.flatMap((label) => byLabel.get(label) ?? []), ignoredNixConfig, notAsked };
    });

/** What the flake has of a kind, sorted by name. */
async function targetsOf(
  kind: FlakeTarget['kind'],
  flake: FlakeAtCommit,
  input: ListTargetsInput,
  signal: AbortSignal,
): Promise<readonly FlakeTarget[]> {
  const url = candidateFlakeUrl(flake.mirror, flake.commit, input.repository.dir);
  const finished = await runNix('nix', evaluateNames(outputKinds[kind], url, await restricted(flake, input.nix)), {
    signal,
    fetching: input.nix,
  });
  if (finished.exitCode === 0)
    return (JSON.parse(finished.stdout) as string[]).sort(compareNaturally).map((name) => ({ kind, name }));
  const missing = finished.stderr.includes('does not provide attribute');
  if (missing && finished.stderr.includes(outputKinds[kind].output)) return [];
  throw await flakeFailure(flake, finished);
}

/** What the flake has in place of hosts is named: it may be one of another kind. */
async function noHosts(flake: FlakeAtCommit, input: ListTargetsInput, signal: AbortSignal): Promise<Error> {
  const url = candidateFlakeUrl(flake.mirror, flake.commit, input.repository.dir);
  const finished = await runNix('nix', evaluateOutputNames(url, await restricted(flake, input.nix)), {
    signal,
    fetching: input.nix,
  });
  const outputs = finished.exitCode === 0 ? (JSON.parse(finished.stdout) as string[]) : [];
  const built = outputKindNames.map((kind) => outputKinds[kind].output);
  const others = outputs.filter((name) => !built.includes(name));
  const has = others.length === 0 ? '' : ` It has ${listed(others)}, which Lockkeeper does not build.`;
  return finalFailure('NoTargets', `${whereOf(input)} has no hosts: ${built.join(', ')} is missing or empty.${has}`);
}

const whereOf = (input: ListTargetsInput): string =>
  `${flakeFile(input.repository, 'flake.nix')} of commit ${input.base.slice(0, 12)}`;

/** Names become ids of activities, which have a limit, and are shown by programs that are not ours. */
const USABLE_NAME = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,200}$/u;

function select(names: readonly string[], input: ListTargetsInput): readonly string[] {
  const where = whereOf(input);
  if (input.hosts !== 'all') {
    const unknown = input.hosts.filter((host) => !names.includes(host));
    if (unknown.length === 0) return [...new Set(input.hosts)].sort(compareNaturally);
    throw finalFailure('UnknownHost', `${where} has no host ${listed(unknown)}. It has: ${listed(names)}.`);
  }
  const excluded = input.exclude === null ? null : wholeNameExpression(input.exclude);
  const left = names.filter((name) => !excluded?.test(name));
  const unusable = left.find((name) => !USABLE_NAME.test(name));
  if (unusable !== undefined) {
    throw finalFailure(
      'UnknownHost',
      `${where} has a host whose name cannot be used, ${listed([unusable])}: names have 1 to 200 characters, none of them ` +
        'invisible. Give it another name, or leave it out with --exclude.',
    );
  }
  if (left.length > 0) return left;
  throw finalFailure(
    'NoTargets',
    `The exclude pattern ${input.exclude ?? ''} leaves none of the hosts ${listed(names)}.`,
  );
}

const listed = (names: readonly string[]): string =>
  truncate(names.map((name) => truncate(stripControl(name), 100)).join(', '), 2000);

/** What the flake's `nixConfig` asks for and does not get. */
async function ignoredSettings(flake: FlakeAtCommit, input: ListTargetsInput): Promise<readonly string[]> {
  if (input.nix.acceptFlakeConfig) return [];
  const text = await readFlakeFile(flake);
  const settings = text === null ? [] : await flakeSettings(text);
  return settings?.map(settingLine) ?? ['nixConfig = (cannot be read without running the flake)'];
}
