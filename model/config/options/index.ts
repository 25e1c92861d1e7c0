import { agent } from './agent.js';
import { approval } from './approval.js';
import { building, buildingFlags } from './building.js';
import { caches } from './caches.js';
import { channels } from './channels.js';
import { contents } from './contents.js';
import { credentials } from './credentials.js';
import { failure, failureFlags } from './failure.js';
import { forge } from './forge.js';
import { gates } from './gates.js';
import { landing } from './landing.js';
import { notifications } from './notifications.js';
import { repository } from './repository.js';
import { schedule } from './schedule.js';
import { everyOption, flagWord, type OptionGroup, type OptionName, type Values } from './types.js';

/** Every option of an instance. `[defaults]` take the same ones, and `update` those that have a flag. */
export const INSTANCE_OPTIONS = {
  ...repository,
  ...contents,
  ...schedule,
  ...landing,
  ...forge,
  ...channels,
  ...approval,
  ...gates,
  ...failure,
  ...agent,
  ...notifications,
  ...building,
  ...caches,
  ...credentials,
};

/** What `update` takes beside them: it asks nothing of the run itself. */
export const UPDATE_FLAGS = { ...failureFlags, ...buildingFlags };

/** All of them, in the order in which help and documentation show them. */
export const OPTION_GROUPS: readonly OptionGroup[] = [
  { title: 'Repository', options: repository },
  { title: 'What to update and build', options: contents },
  { title: 'Schedule', options: schedule },
  { title: 'How it lands', options: landing },
  { title: 'Forge', options: forge },
  { title: 'Channels', options: channels },
  { title: 'Approval', options: approval },
  { title: 'Checks', options: gates },
  { title: 'When a required target breaks', options: failure, flags: failureFlags },
  { title: 'Autofix', options: agent },
  { title: 'Notifications', options: notifications },
  { title: 'How it builds', options: building, flags: buildingFlags },
  { title: 'Binary caches', options: caches },
  { title: 'Git credentials', options: credentials },
];

/** Whether an option counts for runs that verify main as it is: they change no lock, land nothing, and compare with nothing. */
export const isOfVerification = (name: string): boolean => !UPDATES_ONLY.has(name);

const UPDATES_ONLY: ReadonlySet<string> = new Set([
  ...[landing, forge, approval, failure, agent].flatMap((group) => everyOption(group).map(([name]) => name)),
  ...['skipUpdate', 'against', 'flakeInputs', 'excludeInputs', 'inputGroups', 'cooldown', 'inputCooldown'],
  ...['allowSources', 'keepClosures', 'buildBase', 'namedPackages', 'advisories', 'maxBuilds'],
  'strict',
]);

/** Whether an option counts for runs that compare a commit with another one: they change nothing, and upload nothing. */
export const isOfComparison = (name: string): boolean =>
  OF_COMPARISONS.has(name) || (isOfVerification(name) && !PUBLISHES.has(name));

const OF_COMPARISONS: ReadonlySet<string> = new Set([
  ...['skipUpdate', 'against', 'dryRun', 'keepClosures', 'buildBase', 'namedPackages', 'advisories', 'strict'],
]);

const PUBLISHES: ReadonlySet<string> = new Set(
  [channels, caches].flatMap((group) => everyOption(group).map(([name]) => name)),
);

/** The options of one instance, with defaults. */
export type InstanceOptions = Values<typeof INSTANCE_OPTIONS>;

/** Name of an option, such as `exclude` or `approval.enable`. */
export type InstanceOption = OptionName<typeof INSTANCE_OPTIONS>;

export interface Instance extends InstanceOptions {
  readonly name: string;
}

const FLAGS: ReadonlyMap<string, string> = new Map(
  [...everyOption(INSTANCE_OPTIONS), ...everyOption(UPDATE_FLAGS)].flatMap(([name, { flag, turnsOn }]) =>
    flag === undefined ? [] : [name, ...(turnsOn === undefined ? [] : [turnsOn])].map((each) => [each, flagWord(flag)]),
  ),
);

/** The flag that asks for an option; its name where there is none. */
export const flagOf = (name: string): string => FLAGS.get(name) ?? name;
