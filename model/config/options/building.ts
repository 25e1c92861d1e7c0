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
    help: 'a setting of Nix for every evaluation and build, as two words',
  }),
  impure: option(flag, false, 'true', 'evaluate with `--impure`', { flag: '--impure' }),
  acceptFlakeConfig: option(flag, false, 'true', "honour the flake's own `nixConfig`", {
    flag: '--accept-flake-config',
  }),
  allowSources: option(
    listOf(text('a host, a folder or an address', checkSource), 'sources'),
    [],
    '["git.example.org", "path:/srv/flakes"]',
    'where inputs may fetch from although it is a folder of the machine, a private network, or not HTTPS, and they did not before: a host (`git.example.org`, `*.example.org`), or the beginning of an address (`path:/srv/flakes`, `git+ssh://git.example.org/team`)',
    {
      flag: '--allow-source <source>',
      help: 'let inputs fetch from there although they did not before: a host, `path:/FOLDER`, or an address',
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
    'how many updates of each target stay in the Nix store of its builder, so that the next one can be compared with what it replaces; 0: none',
    { flag: '--keep-closures <n>' },
  ),
  buildBase: option(
    flag,
    false,
    'true',
    'build what an update replaces where neither its builder nor a cache has it, so that the report can compare the two',
    {
      flag: '--build-base',
      help: 'build what the update replaces, to compare with it, where no store and no cache has it',
    },
  ),
  namedPackages: option(
    listOf(text('a package name', checkPackageName), 'package names'),
    [],
    '["postgresql", "openssl"]',
    'packages that a report shows before the others that an update changes; kernel and systemd are shown first anyway',
    {
      flag: '--named-package <name>',
      help: 'a package that the report shows before the others that the update changes',
    },
  ),
  advisories: option(
    maybe(path),
    null,
    '"/srv/advisories"',
    'folder on the builders with JSON files of the NVD and of OSV, from which the report tells which known vulnerabilities come and go with an update (default: not checked)',
    { flag: '--advisories <folder>' },
  ),
  maxBuilds: option(
    maybe(whole(0, 1_000_000)),
    null,
    '200',
    'how many derivations an update may build, those of all hosts together: with more, the run asks first where it has approval, and builds nothing where it has none (default: any number)',
    { flag: '--max-builds <n>' },
  ),
};

export const buildingFlags = {
  withWorker: option(
    flag,
    false,
    'true',
    'let this machine work for the run, on a Temporal server that is not the embedded one',
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
}: Values<typeof building>): Pick<
  RunOptions,
  'takeoverSeconds' | 'builderWaitSeconds' | 'keepClosures' | 'buildBase' | 'advisories' | 'maxBuilds' | 'namedPackages'
> => ({
  takeoverSeconds: takeoverSec,
  builderWaitSeconds: builderWaitSec,
  ...(keepClosures === KEPT_CLOSURES ? {} : { keepClosures }),
  ...(buildBase && { buildBase }),
  ...(advisories === null ? {} : { advisories }),
  ...(maxBuilds === null ? {} : { maxBuilds }),
  ...(namedPackages.length === 0 ? {} : { namedPackages }),
});
