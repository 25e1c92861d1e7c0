/** Inputs that are looked at at the same time. */
const SIDE_BY_SIDE = 4;

/** Does the same with each of some items, a few at a time; gives the results in the order of the items. */
export async function sideBySide<Item, Result>(
  items: Iterable<Item>,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const waiting = [...items].entries();
  const next = async (): Promise<void> => {
    for (const [index, item] of waiting) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, next));
  return results;
}
