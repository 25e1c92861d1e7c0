import { finalFailure } from '../../model/run/failures.js';
import type { RunOptions } from '../../model/run/options.js';
import { gateTarget } from '../../model/targets/gate.js';
import { targetLabel, type Target } from '../../model/targets/index.js';
import { coordinator } from '../calls/coordinator.js';
import type { Run } from './run.js';

/** The hosts that a commit of main has, and the run's gates; which of them are required is known with them. */
export async function listTargets({ options, state }: Run, base: string): Promise<readonly Target[]> {
  const { repository, nix } = options;
  const list = await coordinator('list the hosts').listTargets({ repository, base, ...options.targets, nix });
  state.learn({ ignoredNixConfig: list.ignoredNixConfig, notAsked: list.notAsked ?? [] });
  const gates = options.gates ?? [];
  state.learn({
    required: [
      ...requiredHosts(options, list.targets),
      ...gates.filter(({ required }) => required).map((gate) => targetLabel(gateTarget(gate))),
    ],
  });
  return [...list.targets, ...gates.map(gateTarget)];
}

function requiredHosts(options: RunOptions, targets: readonly Target[]): readonly string[] {
  const names = targets.map(targetLabel);
  if (options.require === 'all') return names;
  const unknown = options.require.filter((name) => !names.includes(name));
  if (unknown.length === 0) return options.require;
  throw finalFailure(
    'UnknownHost',
    `--require names ${unknown.join(', ')}, which this run does not verify. It verifies ${names.join(', ')}: correct --require, or add the host with --host.`,
  );
}
