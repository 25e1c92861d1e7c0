/** Questions that a cache is asked at once. */
export const AT_ONCE = 50;

/** Asks about all of them, `AT_ONCE` at a time; what has no answer (`null`) is left out. */
export async function askEach<Item, Answer>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  ask: (item: Item) => Promise<Answer | null>,
): Promise<ReadonlyMap<string, Answer>> {
  const found = new Map<string, Answer>();
  const left = items.values();
  const askOn = async (): Promise<void> => {
    for (const item of left) {
      const answer = await ask(item);
      if (answer !== null) found.set(keyOf(item), answer);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, askOn));
  return found;
}
