/** How many are asked at once, and how long all of them may take. */
export interface BatchLimits {
  readonly most: number;
  readonly limitMs: number;
}

/**
 * Asks for many things, so many at once, until one answer is a fault.
 * @param ask gets what is left of the time, which may be nothing, and tells why it could not ask
 * @returns that reason, with how many were not asked where some were; `null` when all were
 */
export async function inBatches<T>(
  all: readonly T[],
  { most, limitMs }: BatchLimits,
  ask: (batch: readonly T[], leftMs: number) => Promise<string | null>,
  now = Date.now,
): Promise<string | null> {
  const end = now() + limitMs;
  for (let from = 0; from < all.length; from += most) {
    const fault = await ask(all.slice(from, from + most), Math.max(0, end - now()));
    if (fault !== null) return from === 0 ? fault : `those of ${all.length - from} of ${all.length}: ${fault}`;
  }
  return null;
}
