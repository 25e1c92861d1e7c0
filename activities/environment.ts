import type { StateDirectory } from '../model/machine/state-directory.js';

/** What every activity of a worker knows about the machine that it runs on. */
export interface ActivityEnvironment {
  readonly state: StateDirectory;
  /** Id kept in the state directory: names the machine's own task queue. */
  readonly machine: string;
  /** For people. */
  readonly hostName: string;
  /** Commands that gates and agents may be; `null` or missing: all. */
  readonly allowedCommands?: readonly string[] | null;
  /** Files with the worker's own secrets, such as the key by which it knows who asks: no run names them. */
  readonly secretFiles?: readonly string[];
  /** Search attributes that the server had when the worker started; missing or `null` when it was not told. */
  readonly searchAttributes?: readonly string[] | null;
}
