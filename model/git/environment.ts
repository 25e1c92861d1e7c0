/** One setting of Git; a key may appear several times. */
export type ConfigEntry = readonly [key: string, value: string];

export type Environment = Readonly<Record<string, string | undefined>>;

/** What every Git of ours is told, above all configuration that it finds: see git-config(1) for each. */
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
  ['fetch.writeCommitGraph', 'false'],
  ['submodule.recurse', 'false'],
  ['push.recurseSubmodules', 'no'],
  ['push.gpgSign', 'false'],
  ['push.followTags', 'false'],
  ['push.negotiate', 'false'],
  // What Git prints is read by a program.
  ['log.showSignature', 'false'],
  ['i18n.logOutputEncoding', 'UTF-8'],
  ['diff.orderFile', '/dev/null'],
  ...['ui', 'advice', 'diff', 'grep', 'push', 'remote', 'status', 'transport'].map((what): ConfigEntry => [
    `color.${what}`,
    'false',
  ]),
  // Every bare repository that Git is started in was named: by us, or by the person.
  ['safe.bareRepository', 'all'],
];

/** A person's files of attributes and ignored names count even where no setting names them. */
const NOBODYS_FILES: readonly ConfigEntry[] = [
  ['core.attributesFile', '/dev/null'],
  ['core.excludesFile', '/dev/null'],
];
const NOBODYS_VARIABLES: Environment = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_ATTR_NOSYSTEM: '1',
};

/**
 * Variables of the surrounding process that carry a person's own transport. All others of Git's are dropped: a command or
 * worker that was started from a hook must not work in that hook's repository. Those of Temporal are none of a remote
 * helper's business.
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

/** Settings as variables: in arguments every user of the machine can read them. */
function configVariables(entries: readonly ConfigEntry[]): Record<string, string> {
  const settings = entries.flatMap(([key, value], index): [string, string][] => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(entries.length), ...Object.fromEntries(settings) };
}

/**
 * The environment of a Git process in a person's repository, or on its way to a remote: it reads the person's
 * configuration, asks nothing, and speaks English.
 * @param outer variables of this process
 * @param config settings above the person's own, below ours
 * @param variables further variables, above all others
 */
export const gitEnvironment = (
  outer: Environment,
  config: readonly ConfigEntry[] = [],
  variables: Environment = {},
): Record<string, string> => environment(outer, [...inherited(outer), ...config, ...ALWAYS], variables);

/**
 * The environment of a Git process in a repository of Lockkeeper's own: no configuration of the machine or of a person is
 * read, so that nothing of it changes what is made there. Parameters as of `gitEnvironment`.
 */
export const ownGitEnvironment = (
  outer: Environment,
  config: readonly ConfigEntry[] = [],
  variables: Environment = {},
): Record<string, string> =>
  environment(outer, [...NOBODYS_FILES, ...config, ...ALWAYS], { ...NOBODYS_VARIABLES, ...variables });

/** Programs of a person's own that Git starts in a repository which somebody else made. */
const NO_PROGRAMS: readonly ConfigEntry[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
];

/**
 * Variables of this process as a program should have them that runs Git by itself, as Nix does for inputs and for mirrors:
 * without what a hook of Git may have left, and with Lockkeeper's bare mirrors allowed.
 * @param config settings above the person's own
 */
export function environmentAroundGit(outer: Environment, config: readonly ConfigEntry[] = []): Environment {
  const kept = Object.entries(outer).filter(([name]) => !name.startsWith('GIT_') || KEPT.has(name));
  const entries: readonly ConfigEntry[] = [...inherited(outer), ...config, ['safe.bareRepository', 'all']];
  return { ...Object.fromEntries(kept), ...configVariables(entries) };
}

/** Keys of the settings that name the programs of filters, for `git config --get-regexp`. */
export const FILTER_SETTINGS = '^filter\\..*\\.(clean|smudge|process)$';

/**
 * Settings by which no program of a person's own runs in a repository that somebody else made: its `.gitattributes` say which of the
 * person's filters are for which of its files. An empty program is none.
 * @param keys that the person has, as of `FILTER_SETTINGS`
 */
export function withoutPrograms(keys: readonly string[]): readonly ConfigEntry[] {
  const filters = [...new Set(keys.map((key) => key.slice(0, key.lastIndexOf('.'))))];
  return [
    ...NO_PROGRAMS,
    ...filters.flatMap((filter): readonly ConfigEntry[] => [
      ...['clean', 'smudge', 'process'].map((what): ConfigEntry => [`${filter}.${what}`, '']),
      [`${filter}.required`, 'false'],
    ]),
  ];
}

function environment(
  outer: Environment,
  entries: readonly ConfigEntry[],
  variables: Environment,
): Record<string, string> {
  const kept = Object.entries(outer).filter(
    ([name]) => !INTERACTIVE.has(name) && !name.startsWith('TEMPORAL_') && (!name.startsWith('GIT_') || KEPT.has(name)),
  );
  const all = Object.fromEntries([
    // Set to nothing it keeps Git from core.askPass, which may open a window.
    ['GIT_ASKPASS', ''],
    ...kept,
    ['GIT_TERMINAL_PROMPT', '0'],
    ['LC_ALL', 'C'],
    ...Object.entries(configVariables(entries)),
    ...Object.entries(variables),
  ]) as Environment;
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
