/**
 * Does the same with each of some items, at most `most` at a time; gives the results in the order of the items. When one fails nothing
 * more is begun, and what is under way is waited for: it may hold folders and locks.
 */
export async function sideBySide<Item, Result>(
  items: Iterable<Item>,
  most: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const all = [...items];
  const waiting = all.entries();
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
  const ended = await Promise.allSettled(Array.from({ length: Math.min(most, all.length) }, next));
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
  return results;
}
