/**
 * Compares two versions as Nix does (`builtins.compareVersions`): component by component, where a component is a run of
 * digits or of anything else but dots and dashes. `pre` comes before the end of a version, letters before digits.
 * @returns negative when `one` is the older, positive when it is the newer, 0 when they are the same
 */
export function compareVersions(one: string, other: string): number {
  const left = components(one);
  const right = components(other);
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const order = compareComponents(left[index] ?? '', right[index] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

/** The parts of a version that count: `1.2pre3-4` has 1, 2, pre, 3 and 4. */
export const components = (version: string): readonly string[] => version.match(/\d+|[^\d.-]+/g) ?? [];

/** Nix reads numbers as C's `int`; what does not fit is a text to it. */
const LARGEST_NUMBER = 2 ** 31 - 1;

/** Order of the kinds of components: `pre`, the end of a version, letters, numbers. */
function rank(component: string): number {
  if (component === 'pre') return 0;
  if (component === '') return 1;
  return isNumber(component) ? 3 : 2;
}

const isNumber = (component: string): boolean => /^\d/.test(component) && Number(component) <= LARGEST_NUMBER;

function compareComponents(one: string, other: string): number {
  const kind = rank(one);
  if (kind !== rank(other)) return kind - rank(other);
  if (kind === 3) return Number(one) - Number(other);
  return one === other ? 0 : one < other ? -1 : 1;
}
