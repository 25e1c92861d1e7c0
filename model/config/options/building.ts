import { checkNixOption, checkPackageName, checkSource } from '../../checks/names.js';
import { BUILDER_WAIT_SECONDS, KEPT_CLOSURES, TAKEOVER_SECONDS } from '../../run/defaults.js';
import type { RunOptions } from '../../run/options.js';
import { flag, listOf, maybe, path, span, tableOf, text, whole } from '../kinds.js';
import { sorted } from './contents.js';
import type { credentials } from './credentials.js';
import { option, type Values } from './types.js';

const nixOptions = tableOf(
  text('a value', (value) => value),
  'a table of Nix settings, such as { max-jobs = "4" }',
  checkNixOption,
);

export const building = {
  nixOptions: option(nixOptions, {}, '{ max-jobs = "4" }', 'settings of Nix for every evaluation and build', {
    flag: '--nix-option <name value>',
    help: 'Nix setting for every evaluation and build, as two words',
  }),
  impure: option(flag, false, 'true', 'evaluate with `--impure`', { flag: '--impure' }),
  acceptFlakeConfig: option(flag, false, 'true', "honour the flake's own `nixConfig`", {
    flag: '--accept-flake-config',
  }),
  allowSources: option(
    listOf(text('a host, a folder or an address', checkSource), 'sources'),
    [],
    '["git.example.org", "path:/srv/flakes"]',
    '[new sources](hold-back.md#new-sources-of-an-input) that inputs may fetch from although they are folders, in private networks or not HTTPS: a host (`git.example.org`, `*.example.org`), or the beginning of an address (`path:/srv/flakes`, `git+ssh://git.example.org/team`)',
    {
      flag: '--allow-source <source>',
      help: 'accept this new source of inputs: a host, `path:/FOLDER`, or the beginning of an address',
    },
  ),
  takeoverSec: option(
    span(1),
    TAKEOVER_SECONDS,
    '"5min"',
    'how long to wait for an unreachable builder before another one takes its build over',
    { flag: '--takeover-time <span>' },
  ),
  builderWaitSec: option(
    span(1),
    BUILDER_WAIT_SECONDS,
    '"1h"',
    'how long a target waits for a worker of its system before it is skipped',
    { flag: '--builder-wait <span>' },
  ),
  keepClosures: option(
    whole(0, 100),
    KEPT_CLOSURES,
    '3',
    'how many updates of each target to keep in the Nix store of its builder, so that reports can compare the next one with them; 0 for none',
    { flag: '--keep-closures <n>' },
  ),
  buildBase: option(
    flag,
    false,
    'true',
    'build the old closures that are missing on the builder and in the caches, so that the report can compare with them',
    {
      flag: '--build-base',
      help: 'build the old closures that are missing on the builder and in the caches, to compare with them',
    },
  ),
  namedPackages: option(
    listOf(text('a package name', checkPackageName), 'package names'),
    [],
    '["postgresql", "openssl"]',
    'packages to show first among those that an update changes; kernel and systemd are always first',
    {
      flag: '--named-package <name>',
      help: 'a package to show first among those that the update changes',
    },
  ),
  advisories: option(
    maybe(path),
    null,
    '"/srv/advisories"',
    'folder on the builders with JSON files of the NVD and of OSV, to report the known vulnerabilities that an update brings and fixes (default: not checked)',
    { flag: '--advisories <folder>' },
  ),
  maxBuilds: option(
    maybe(whole(0, 1_000_000)),
    null,
    '200',
    'how many derivations an update may build for all targets together: with more, a run with approval asks first, and one without builds nothing (default: no limit)',
    { flag: '--max-builds <n>' },
  ),
};

export const buildingFlags = {
  withWorker: option(
    flag,
    false,
    'true',
    'start a worker on this machine too (needed only with a Temporal server elsewhere)',
    { flag: '--with-worker' },
  ),
  slots: option(maybe(whole(1, 1000)), null, '8', 'builds at once (default: the number of cores, at least 4)', {
    flag: '--slots <n>',
  }),
  evalSlots: option(maybe(whole(1, 1000)), null, '2', 'evaluations at once (default: 1 for each 4 GiB)', {
    flag: '--eval-slots <n>',
  }),
};

export const nixOf = (
  options: Values<typeof building> & Pick<Values<typeof credentials>, 'accessTokensFile'>,
): Pick<RunOptions, 'nix'> => ({
  nix: {
    options: Object.entries(options.nixOptions).sort(([a], [b]) => (a < b ? -1 : 1)),
    impure: options.impure,
    acceptFlakeConfig: options.acceptFlakeConfig,
    ...(options.accessTokensFile === null ? {} : { accessTokensFile: options.accessTokensFile }),
    ...(options.allowSources.length === 0 ? {} : { allowSources: sorted(options.allowSources) }),
  },
});

export const waitsOf = ({
  takeoverSec,
  builderWaitSec,
  keepClosures,
  buildBase,
  advisories,
  maxBuilds,
  namedPackages,
}: Values<typeof building>) =>
  ({
    takeoverSeconds: takeoverSec,
    builderWaitSeconds: builderWaitSec,
    ...(keepClosures === KEPT_CLOSURES ? {} : { keepClosures }),
    ...(buildBase && { buildBase }),
    ...(advisories === null ? {} : { advisories }),
    ...(maxBuilds === null ? {} : { maxBuilds }),
    ...(namedPackages.length === 0 ? {} : { namedPackages }),
  }) satisfies Partial<RunOptions>;
