/** One setting of Git; a key may appear several times. */
export type ConfigEntry = readonly [key: string, value: string];

/** The variables of an environment, as Node takes them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What every Git of ours is told, above all configuration that it finds. */
const ALWAYS: readonly ConfigEntry[] = [
  // Code of a repository's owner does not run in a worker.
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['protocol.ext.allow', 'never'],
  // Commits are the same bytes on every machine, and objects that no branch holds stay.
  ['commit.gpgSign', 'false'],
  ['i18n.commitEncoding', 'UTF-8'],
  ['pack.threads', '1'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  // A fetch or push moves what it is told to move, and nothing else.
  ['fetch.recurseSubmodules', 'false'],
  ['submodule.recurse', 'false'],
  ['push.recurseSubmodules', 'no'],
  ['push.gpgSign', 'false'],
  ['push.followTags', 'false'],
];

/**
 * Variables of the surrounding process that carry a person's own transport. All others of Git's are dropped: a worker
 * that was started from a hook must not work in that hook's repository. Those of Temporal are none of a remote helper's
 * business.
 */
const KEPT = new Set([
  'GIT_ASKPASS',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_NOSYSTEM',
  'GIT_CONFIG_SYSTEM',
  'GIT_HTTP_PROXY_AUTHMETHOD',
  'GIT_HTTP_USER_AGENT',
  'GIT_PROXY_COMMAND',
  'GIT_PROXY_SSL_CAINFO',
  'GIT_SSH',
  'GIT_SSH_COMMAND',
  'GIT_SSH_VARIANT',
  'GIT_SSL_CAINFO',
  'GIT_SSL_CAPATH',
  'GIT_SSL_CERT',
  'GIT_SSL_KEY',
  'GIT_SSL_NO_VERIFY',
]);
/** Programs that ask a person; nobody sits at a worker. */
const INTERACTIVE = new Set(['EDITOR', 'VISUAL', 'PAGER', 'PREFIX', 'SSH_ASKPASS', 'LANGUAGE']);

/** Settings that the surrounding process passes by `GIT_CONFIG_COUNT` (git(1)). */
function inherited(env: Environment): ConfigEntry[] {
  const count = Number(env.GIT_CONFIG_COUNT ?? '0');
  return Array.from({ length: Number.isInteger(count) && count > 0 ? count : 0 }, (_, index): ConfigEntry => [
    env[`GIT_CONFIG_KEY_${index}`] ?? '',
    env[`GIT_CONFIG_VALUE_${index}`] ?? '',
  ]).filter(([key]) => key !== '');
}

/**
 * The environment of a Git process: no prompts, English messages, and settings by `GIT_CONFIG_*` rather than by
 * arguments, which every user of the machine can read.
 * @param config settings above the person's own, below ours
 * @param variables further variables, above all others
 */
export function gitEnvironment(
  config: readonly ConfigEntry[] = [],
  variables: Environment = {},
  outer: Environment = process.env,
): Record<string, string> {
  const kept = Object.entries(outer).filter(
    ([name]) => !INTERACTIVE.has(name) && !name.startsWith('TEMPORAL_') && (!name.startsWith('GIT_') || KEPT.has(name)),
  );
  const entries = [...inherited(outer), ...config, ...ALWAYS];
  const settings = entries.flatMap(([key, value], index): [string, string][] => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  const all = Object.fromEntries([
    // Set to nothing it keeps Git from core.askPass, which may open a window.
    ['GIT_ASKPASS', ''],
    ...kept,
    ['GIT_TERMINAL_PROMPT', '0'],
    ['LC_ALL', 'C'],
    ['GIT_CONFIG_COUNT', String(entries.length)],
    ...settings,
    ...Object.entries(variables),
  ]) as Environment;
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
