import { PRESETS } from '../gates/gate.js';
import { FAILURE_STEPS, LANDING_MODES, type RunOptions } from './options.js';

/**
 * Version of what a run's options mean. Higher when a worker that knows every field would still do the wrong thing; a new
 * field needs no new version: a worker that does not know it refuses the run.
 */
export const OPTIONS_FORMAT = 1;

/** The fields of a type, all the way down. A leaf is `true`, or the words that may stand there. */
type Fields<T> = T extends readonly unknown[]
  ? Fields<T[number]>
  : T extends object
    ? { readonly [K in keyof T]-?: Fields<Exclude<T[K], null | undefined>> }
    : true | readonly string[];

type Shape = true | readonly string[] | { readonly [name: string]: Shape };

const person = { name: true, email: true } as const;

/** Every option that this version knows. */
const KNOWN: Fields<RunOptions> = {
  format: true,
  instance: true,
  repository: {
    ...{ url: true, displayUrl: true, checkout: true, local: true, mainBranch: true, dir: true },
    transport: { sshKeyFile: true, knownHostsFile: true, httpsTokenFile: true },
  },
  user: true,
  lockWorkflowId: true,
  targets: { hosts: true, exclude: true },
  require: true,
  inputs: true,
  excludeInputs: true,
  inputGroups: true,
  landing: { mode: LANDING_MODES, branchPrefix: true, removeOldBranches: true },
  approval: { deadlineSeconds: true, reminderSeconds: true, withoutKey: true },
  nix: { options: true, impure: true, acceptFlakeConfig: true, accessTokensFile: true, allowSources: true },
  author: person,
  committer: person,
  notify: { ntfy: { server: true, topic: true, tokenFile: true }, inboxOrg: true },
  timeZone: true,
  repositoryWaitSeconds: true,
  supersedes: true,
  takeoverSeconds: true,
  builderWaitSeconds: true,
  onFailure: FAILURE_STEPS,
  holdBack: {
    ...{ never: true, probeBudget: true, alarmSeconds: true },
    pinned: { input: true, reason: true, until: true },
  },
  autofix: {
    ...{
      command: true,
      args: true,
      envFile: true,
      homePaths: true,
      network: true,
      nixDaemon: true,
      maxAttempts: true,
      timeoutSeconds: true,
    },
    limits: { memoryBytes: true, tasks: true, diskBytes: true, files: true },
    rules: { protected: true, maxFiles: true, maxLines: true },
  },
  failureLimit: { failures: true, pauses: true },
  gates: {
    ...{ name: true, timeoutSeconds: true, required: true },
    check: { kind: ['preset', 'command'], preset: PRESETS, words: true },
  },
};

/**
 * Refuses what a newer client asks for and this version would pass over in silence.
 * @throws Error that names the options
 */
export function checkKnown(options: RunOptions): void {
  const unknown = [
    ...unknownIn(options, KNOWN, ''),
    ...((options.format ?? 0) > OPTIONS_FORMAT ? [`options of format ${String(options.format)}`] : []),
  ];
  if (unknown.length === 0) return;
  throw new Error(
    `a newer Lockkeeper asked for what this worker does not know: ${unknown.slice(0, 8).join(', ')}. ` +
      'Upgrade the workers, or ask with the version that they have',
  );
}

function unknownIn(value: unknown, shape: Shape, place: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((each) => unknownIn(each, shape, place));
  if (isWords(shape))
    return typeof value !== 'string' || shape.includes(value) ? [] : [`${place} ${JSON.stringify(value).slice(0, 80)}`];
  // What is of another type than it should be is refused where it is used.
  if (shape === true || typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, below]) => {
    const known = Object.hasOwn(shape, name) ? shape[name] : undefined;
    const path = place === '' ? name.slice(0, 80) : `${place}.${name.slice(0, 80)}`;
    return known === undefined ? [path] : unknownIn(below, known, path);
  });
}

const isWords = (shape: Shape): shape is readonly string[] => Array.isArray(shape);
