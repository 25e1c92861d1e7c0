import { CancellationScope } from '@temporalio/workflow';

/** Runs some things side by side; when one fails the others are cancelled and waited for, so that nothing is left running. */
export const allOrCancel = <T extends readonly unknown[]>(
  ...work: { readonly [K in keyof T]: () => Promise<T[K]> }
): Promise<T> =>
  CancellationScope.cancellable(async () => {
    const all = work.map((start) => start());
    try {
      return (await Promise.all(all)) as unknown as T;
    } catch (error) {
      CancellationScope.current().cancel();
      await Promise.allSettled(all);
      throw error;
    }
  });
