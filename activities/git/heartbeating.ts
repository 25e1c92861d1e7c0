import { asyncLocalStorage } from '@temporalio/activity';

const PERIOD_MS = 1000;

/** An activity that heartbeats while it works: a cancellation reaches it only in the answer to a heartbeat. */
export const heartbeating =
  <Input, Result>(activity: (input: Input) => Promise<Result>): ((input: Input) => Promise<Result>) =>
  async (input) => {
    const context = asyncLocalStorage.getStore();
    const timer = setInterval(() => context?.heartbeat(), PERIOD_MS);
    try {
      return await activity(input);
    } finally {
      clearInterval(timer);
    }
  };
