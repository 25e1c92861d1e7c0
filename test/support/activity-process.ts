/**
 * One activity of a worker, as a process that dies between two lines when it is told to (see effects.ts):
 * `activity-process.js STATE_DIRECTORY NAME INPUT_JSON`. Prints `ActivityEnd` as JSON.
 */
import { effects } from './effects.js';

export interface ActivityEnd {
  readonly result: unknown;
  readonly effects: number;
}

const [root = '', name = '', input = ''] = process.argv.slice(2);
// What follows is loaded after the functions that it uses were replaced.
const { MockActivityEnvironment } = await import('@temporalio/testing');
const { createActivities } = await import('../../workers/activities.js');
const { stateDirectory } = await import('../../model/machine/state-directory.js');

const register = createActivities({ state: stateDirectory(root), machine: 'test-machine', hostName: 'test' });
const activity = Object.values(register)
  .flatMap((group: object) => Object.entries(group as Record<string, (input: unknown) => Promise<unknown>>))
  .find(([each]) => each === name)?.[1];
if (activity === undefined) throw new Error(`there is no activity ${name}`);
const result: unknown = await new MockActivityEnvironment().run(activity, JSON.parse(input));
const end: ActivityEnd = { result, effects: effects() };
process.stdout.write(JSON.stringify(end), () => process.exit());
