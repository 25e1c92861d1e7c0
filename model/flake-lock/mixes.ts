import type { FlakeLock, InputPath } from './types.js';
import { inputsBelow, goOn, nodeOfInput, wayAlong, type Way } from './walk.js';
import type { InseparableInputs } from './inseparable.js';

export interface Locks {
  readonly base: FlakeLock;
  readonly candidate: FlakeLock;
}

type Side = keyof Locks;
const SIDES: readonly Side[] = ['base', 'candidate'];

/** From which lock a root input is taken, where that decides how a `follows` goes on. */
export interface Choice {
  readonly input: string;
  readonly side: Side;
}

/** Something that is followed, below which root input, and in which locks. */
interface Demand {
  readonly owner: string;
  readonly sides: readonly Side[];
  readonly target: InputPath;
  /** Whether it leads nowhere in its own lock already. */
  readonly dangles: boolean;
}

/** What the root inputs follow, in themselves and below. What is followed in both locks is one demand. */
export function demandsOf(locks: Locks): readonly Demand[] {
  const inputs = new Set(SIDES.flatMap((side) => [...locks[side].root.inputs.keys()]));
  return [...inputs].flatMap((owner) => {
    const found = new Map<string, Demand>();
    for (const side of SIDES) {
      for (const target of followedBelow(locks[side], owner)) {
        const dangles = nodeOfInput(locks[side], target) === null;
        const key = JSON.stringify([target, dangles]);
        const sides = new Set([...(found.get(key)?.sides ?? []), side]);
        found.set(key, { owner, sides: [...sides], target, dangles });
      }
    }
    return [...found.values()];
  });
}

const followedBelow = (lock: FlakeLock, input: string): readonly InputPath[] =>
  inputsBelow(lock, input).flatMap(({ edge }) => (edge.kind === 'follows' ? [edge.path] : []));

/**
 * The mixes of the two locks in which a `follows` leads nowhere or in a circle, each as the choices that decide it, in the
 * order in which they are met. Only inputs on the way are varied, and only where the two locks lead on differently.
 * @param groups inputs that are taken from one lock together; those in none are taken from base
 */
export function* losingMixes(
  locks: Locks,
  groups: readonly InseparableInputs[],
  { owner, sides, target, dangles }: Demand,
): Generator<readonly Choice[]> {
  const groupOf = new Map(groups.flatMap((group) => group.map((name) => [name, group] as const)));
  const sideOf = (input: string, choices: readonly Choice[]): Side | null => {
    const group = groupOf.get(input);
    if (group === undefined) return 'base';
    return choices.find((choice) => group.includes(choice.input))?.side ?? null;
  };
  const [first = 'base'] = sides;
  const given = sideOf(owner, []);
  if (given !== null && !sides.includes(given)) return;
  const premise = given === null && sides.length === 1 ? [{ input: owner, side: first }] : [];
  const todo: { readonly way: Way; readonly choices: readonly Choice[] }[] = [
    { way: wayAlong(target), choices: premise },
  ];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { way, choices } = next;
    const [input] = way.todo;
    if (input === undefined) continue;
    const side = sideOf(input, choices);
    const steps = (side === null ? SIDES : [side]).map((each) => ({ side: each, step: goOn(locks[each], way) }));
    const decides =
      new Set(steps.map(({ step }) => (step.kind === 'on' ? JSON.stringify(step.way) : step.kind))).size > 1;
    for (const each of decides ? steps : steps.slice(0, 1)) {
      const { step } = each;
      const made = decides ? [...choices, { input, side: each.side }] : choices;
      if (step.kind === 'on') todo.push({ way: step.way, choices: made });
      else if (step.kind === 'cycle' || (step.kind === 'nothing' && !dangles)) yield made;
    }
  }
}
