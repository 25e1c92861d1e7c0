/** Lets as many pieces of work run at once as each of them allows; the others wait in the order in which they came. */
export type InSlot = <T>(most: number, signal: AbortSignal, work: () => Promise<T>) => Promise<T>;

/** Slots of their own for one kind of work here. @throws the signal's reason when it is aborted while work waits */
export function slots(): InSlot {
  const waiting: (() => void)[] = [];
  let busy = 0;
  return async (most, signal, work) => {
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
      // The first in the queue may have given up, so all of them check again, in order.
      for (const wake of waiting.splice(0)) wake();
    }
  };
}
