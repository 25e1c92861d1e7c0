const waiting: (() => void)[] = [];
let busy = 0;

/**
 * Does something that at most `most` uploads of this machine may do at once; the others wait in the order in which they came.
 * @throws the signal's reason when it is aborted while it waits
 */
export async function inSlot<T>(most: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  while (busy >= most) {
    signal.throwIfAborted();
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
    });
  }
  signal.throwIfAborted();
  busy += 1;
  try {
    return await work();
  } finally {
    busy -= 1;
    // Who was first in the queue may have given up: all look again, in their order.
    for (const wake of waiting.splice(0)) wake();
  }
}
