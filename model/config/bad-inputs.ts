import { BadInput } from '../checks/names.js';

class BadInputs extends Error {
  override readonly name = 'BadInputs';

  constructor(readonly each: readonly BadInput[]) {
    super(each.map(({ message }) => message).join('\n'));
  }
}

/** What is wrong with values, out of what reading them threw; throws other errors again. */
export function badInputs(error: unknown): readonly BadInput[] {
  if (error instanceof BadInputs) return error.each;
  if (error instanceof BadInput) return [error];
  throw error;
}

/** Reads all, also after one that cannot be used, so that every fault is told. @throws what `badInputs` takes apart */
export function readEach<T, R>(items: readonly T[], read: (item: T, index: number) => R): readonly R[] {
  const bad: BadInput[] = [];
  const values: R[] = [];
  for (const [index, item] of items.entries()) {
    try {
      values.push(read(item, index));
    } catch (error) {
      bad.push(...badInputs(error));
    }
  }
  if (bad.length > 0) throw new BadInputs(bad);
  return values;
}
