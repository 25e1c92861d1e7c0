import { channelsOf } from '../../model/channels/names.js';
import { BadInput } from '../../model/checks/names.js';
import { finalFailure } from '../../model/run/failures.js';
import type { RunOptions } from '../../model/run/options.js';
import { gateTarget } from '../../model/targets/gate.js';
import { chooseRequired, listed } from '../../model/targets/choose.js';
import { targetLabel, type FlakeTarget, type Target } from '../../model/targets/index.js';
import type { Candidate } from '../../model/verify/candidate.js';
import { coordinator } from '../calls/coordinator.js';
import type { Run } from './run.js';

/**
 * The targets that a commit of main has, and the run's gates; which of them are required is known with them.
 * @param candidate has the commit, where the remote may not have it
 */
export async function listTargets(
  { options, state }: Run,
  base: string,
  candidate?: Candidate,
): Promise<readonly Target[]> {
  const { repository, nix } = options;
  const list = await coordinator(
    options.targets.patterns === undefined ? 'list the hosts' : 'list the targets',
  ).listTargets({ repository, base, ...(candidate && { candidate }), ...options.targets, nix });
  refuseOlderList(options, list.targets);
  state.learn({ ignoredNixConfig: list.ignoredNixConfig, notAsked: list.notAsked ?? [] });
  refuseChannels(options, list.targets);
  const gates = options.gates;
  state.learn({
    required: [
      ...requiredTargets(options, list.targets),
      ...gates.filter(({ required }) => required).map((gate) => targetLabel(gateTarget(gate))),
    ],
  });
  return [...list.targets, ...gates.map(gateTarget)];
}

/** Channels that cannot be are said before anything is built for them. */
function refuseChannels({ channel, repository }: RunOptions, targets: readonly FlakeTarget[]): void {
  if (channel === undefined) return;
  try {
    channelsOf(channel, targets, { main: repository.mainBranch, field: 'channel' });
  } catch (error) {
    if (error instanceof BadInput) throw finalFailure('BadOptions', error.message);
    throw error;
  }
}

/** A coordinator of a version without `--targets` lists all hosts, whatever was chosen. */
function refuseOlderList({ targets: { patterns } }: RunOptions, targets: readonly Target[]): void {
  const meant = patterns === undefined ? targets : chooseRequired(patterns, targets).required;
  if (meant.length === targets.length) return;
  throw finalFailure(
    'BadOptions',
    'The targets were listed by a coordinator of an older version, which does not know --targets: give all machines that take part the same version.',
  );
}

function requiredTargets(options: RunOptions, targets: readonly Target[]): readonly string[] {
  if (options.require === 'all') return targets.map(targetLabel);
  const { required, unknown } = chooseRequired(options.require, targets);
  if (unknown.length === 0) return required;
  const more = options.targets.patterns === undefined ? 'the host with --host' : 'it to --targets';
  throw finalFailure(
    'UnknownHost',
    `--require names ${unknown.join(', ')}, which this run does not verify. It verifies ${listed(targets.map(targetLabel))}: correct --require, or add ${more}.`,
  );
}
