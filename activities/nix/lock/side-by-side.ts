/** Inputs that are looked at at the same time. */
const SIDE_BY_SIDE = 4;

/** Does the same with each of some items, a few at a time; gives the results in the order of the items. */
export async function sideBySide<Item, Result>(
  items: Iterable<Item>,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const waiting = [...items].entries();
  let failed = false;
  const next = async (): Promise<void> => {
    for (const [index, item] of waiting) {
      if (failed) return;
      try {
        results[index] = await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  // Also when one fails the others are waited for: they hold folders and locks.
  const ended = await Promise.allSettled(Array.from({ length: SIDE_BY_SIDE }, next));
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
  return results;
}
