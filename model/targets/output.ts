import { attributePath } from '../nix/text.js';
import { oneLine } from '../text/one-line.js';
import { NoName, type AnyTarget, type OutputKind } from './types.js';

type Own<T extends AnyTarget> = Pick<OutputKind<T>, 'noun' | 'prefix' | 'output' | 'example' | 'derivation'> &
  Partial<Pick<OutputKind<T>, 'owns' | 'built'>>;
type Place = Pick<OutputKind<AnyTarget>, 'path' | 'nameAt' | 'looked'>;

/** A kind of outputs: what people read of it is the same for all of them, with its noun. */
export const outputKind = <T extends AnyTarget>(own: Own<T>, place: Place): OutputKind<T> => ({
  good: 'built',
  verdicts: {
    built: 'built',
    'evaluation-failed': 'does not evaluate',
    'build-failed': 'build failed',
    'timed-out': 'timed out',
    skipped: 'skipped',
  },
  building: 'building',
  notRequired: 'not required',
  breakage: (name, verdict) =>
    `the ${own.noun} ${name} ${verdict === 'evaluation-failed' ? 'does not evaluate' : 'does not build'}`,
  complaint: (verdict) =>
    verdict === 'evaluation-failed' ? 'It does not evaluate.' : 'It evaluates, and its build fails.',
  task: ({ name }, flake) => [
    `# Fix the ${own.noun} ${oneLine(name, 200)}`,
    `An update of flake.lock broke \`${oneLine(attributePath([...place.path(name), ...own.derivation]), 400)}\` of ${flake}. ` +
      `The new lock is committed already. Change the flake so that the ${own.noun} works with it. Change as little as possible.`,
  ],
  ...own,
  ...place,
});

/** Targets that are the members of one output, by name. */
export const membersOf = (output: string): Place => ({
  path: (name) => [output, name],
  nameAt: (path) => path[1] ?? '',
  looked: () => 2,
});

/** Targets that an output has for each system, named SYSTEM.NAME. Systems have no dots, names may. */
export const membersBySystem = (output: string): Place => ({
  path: (text) => {
    if (text === '*') return [output, '*', '*'];
    const [system = '', ...names] = text.split('.');
    const name = names.join('.');
    if (system === '' || name === '')
      throw new NoName('has no system before its name: write one as in x86_64-linux.NAME, or *.NAME');
    return [output, system, name];
  },
  nameAt: ([, system = '', name = '']) => (system === '*' && name === '*' ? '*' : `${system}.${name}`),
  looked: () => 3,
});
