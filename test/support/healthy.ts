import { until } from './lockkeeper.js';

/** Waits until a server that was started answers at the address of its health. */
export const untilHealthy = (url: string, what: string, seconds: number): Promise<void> =>
  until(
    () =>
      fetch(url).then(
        ({ ok }) => ok,
        () => false,
      ),
    seconds * 1000,
    () => `the ${what} server did not start within ${seconds} s`,
  );
