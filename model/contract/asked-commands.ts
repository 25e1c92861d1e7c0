import type { GateCheck } from '../gates/gate.js';
import { BadInput } from '../checks/names.js';
import type { RunOptions } from '../run/options.js';

/** The commands that a run brings along, as gates and agents. */
export const commandsOf = ({ gates = [], autofix }: Pick<RunOptions, 'gates' | 'autofix'>): readonly string[] => [
  ...new Set([
    ...gates.flatMap(({ check }) => commandOf(check)),
    ...(autofix === undefined || autofix === null ? [] : [autofix.command]),
  ]),
];

const commandOf = (check: GateCheck): readonly string[] => (check.kind === 'command' ? check.words.slice(0, 1) : []);

/**
 * Refuses the input of an activity that would run a command which this worker may not.
 * @throws BadInput
 */
export function checkCommands(input: unknown, allowed: readonly string[]): void {
  const { commands = [], gate, agent } = input as Partial<Asked>;
  const asked = [
    ...commands,
    ...(gate === undefined ? [] : commandOf(gate.check)),
    ...(agent === undefined ? [] : [agent.command]),
  ];
  for (const command of asked)
    if (!allowed.includes(command))
      throw new BadInput(
        'command',
        command,
        `is not allowed on this worker (it may run ${allowed.join(', ')}): ask for one of these, or start the worker with --allow-command`,
      );
}

/** The fields of activity inputs that hold commands. */
interface Asked {
  readonly commands: readonly string[];
  readonly gate: { readonly check: GateCheck };
  readonly agent: { readonly command: string };
}
