import { cacheAddress } from '../caches/name.js';
import { BadInput } from '../checks/names.js';
import type { GateCheck } from '../gates/gate.js';
import type { NixSettings, RunOptions } from '../run/options.js';

/** The commands that a run brings along: gates, agents, programs that upload, and what it has Nix run. */
export const commandsOf = ({
  gates = [],
  autofix,
  caches = [],
  nix,
}: Pick<RunOptions, 'gates' | 'autofix' | 'caches' | 'nix'>): readonly string[] => [
  ...new Set([
    ...gates.flatMap(({ check }) => commandOf(check)),
    ...(autofix === undefined || autofix === null ? [] : [autofix.command]),
    ...caches.flatMap(programOf),
    ...commandsOfNix(nix),
  ]),
];

const commandOf = (check: GateCheck): readonly string[] => (check.kind === 'command' ? check.words.slice(0, 1) : []);

const PROGRAM_SCHEME = 'command://';

/** Only what is spelled as it is allowed is the same: who decodes an address finds other spellings of it. */
const programOf = ({ to }: { readonly to: string }): readonly string[] =>
  to.startsWith(PROGRAM_SCHEME) ? [cacheAddress(to).slice(PROGRAM_SCHEME.length)] : [];

/** Settings of Nix that hold programs or libraries, which it runs with the rights of its user. */
const PROGRAM_SETTINGS = /^(?:extra-)?(?:build-hook|diff-hook|plugin-files|post-build-hook|pre-build-hook)$/;
/** Settings that have more programs than one could name: those that are written as JSON, and what is evaluated or built names. */
const OPEN_SETTINGS = /^(?:allow-unsafe-native-code-during-evaluation|(?:extra-)?external-builders)$/;
const FLAKE_SETTINGS = 'accept-flake-config';

function commandsOfNix({ options, acceptFlakeConfig }: NixSettings): readonly string[] {
  const named = options.flatMap(([name, value]) => {
    if (PROGRAM_SETTINGS.test(name)) return value.split(/\s+/).filter((word) => word !== '');
    return OPEN_SETTINGS.test(name) && value !== 'false' && value !== '[]' ? [`${name} = ${value}`] : [];
  });
  // A flake's own settings are those above, too.
  return acceptFlakeConfig ? [...named, `${FLAKE_SETTINGS} = true`] : named;
}

/** Refuses the input of an activity that would run a command which this worker may not. @throws BadInput */
export function checkCommands(input: unknown, allowed: readonly string[]): void {
  const { commands = [], gate, agent, cache, nix } = input as Partial<Asked>;
  const asked = [
    ...commands,
    ...(gate === undefined ? [] : commandOf(gate.check)),
    ...(agent === undefined ? [] : [agent.command]),
    ...(cache === undefined ? [] : programOf(cache)),
    ...(nix === undefined ? [] : commandsOfNix(nix)),
  ];
  for (const command of asked)
    if (!allowed.includes(command)) throw settingRefused(command) ?? refused(command, allowed);
}

const refused = (command: string, allowed: readonly string[]): BadInput =>
  new BadInput(
    'command',
    command,
    `is not allowed on this worker (it may run ${allowed.join(', ')}): ask for one of these, or start the worker with --allow-command`,
  );

/** No `--allow-command` could name what such a setting has Nix run. */
function settingRefused(command: string): BadInput | null {
  const [, name = '', value = ''] = /^(\S+) = (.*)$/s.exec(command) ?? [];
  if (name !== FLAKE_SETTINGS && !OPEN_SETTINGS.test(name)) return null;
  const wayOut = name === FLAKE_SETTINGS ? `--${FLAKE_SETTINGS}` : `--nix-option "${name} …"`;
  return new BadInput(name, value, `is never allowed on a worker that has --allow-command: leave out ${wayOut}`);
}

/** The fields of activity inputs that hold commands. */
interface Asked {
  readonly commands: readonly string[];
  readonly gate: { readonly check: GateCheck };
  readonly agent: { readonly command: string };
  readonly cache: { readonly to: string };
  readonly nix: NixSettings;
}
