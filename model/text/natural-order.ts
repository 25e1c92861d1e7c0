/**
 * Compares names as people count: `web2` comes before `web10`. Numbers in them count by their value, all else by its code
 * units, so the order is the same on every machine; names that differ are never equal.
 */
export function compareNaturally(one: string, other: string): number {
  const [left, right] = [partsOf(one), partsOf(other)];
  for (const [index, part] of left.entries()) {
    const beside = right[index];
    if (beside === undefined) return 1;
    const order = compareParts(part, beside);
    if (order !== 0) return order;
  }
  return left.length < right.length ? -1 : compareUnits(one, other);
}

/** Runs of digits, and what is between them. */
const partsOf = (name: string): readonly string[] => name.match(/[0-9]+|[^0-9]+/g) ?? [];

function compareParts(one: string, other: string): number {
  if (!/^[0-9]/.test(one) || !/^[0-9]/.test(other)) return compareUnits(one, other);
  const [left, right] = [one, other].map((digits) => digits.replace(/^0+(?=.)/, ''));
  return (left ?? '').length - (right ?? '').length || compareUnits(left ?? '', right ?? '');
}

const compareUnits = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
