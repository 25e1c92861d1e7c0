import { posix as path } from 'node:path';
import confinementTable from '../confinement.json' with { type: 'json' };
import { BadInput, checkAccountName } from '../checks/names.js';

/** systemd units of a worker, for distributions other than NixOS, which has modules: see docs/operations.md. */

export interface WorkerUnit {
  /** Absolute paths of the program and of what runs it, then arguments. */
  readonly command: readonly string[];
  readonly user: string;
  /** `HOST:PORT` of a Temporal server, or `null` for one of its own. */
  readonly address: string | null;
  /** File with the key of that server; `null`: none. */
  readonly runKeyFile: string | null;
  /** Whether it does the runs of instances with this user, beside a worker that does all others. */
  readonly userQueue: boolean;
  /** Whether it runs coding agents. */
  readonly agent: boolean;
}

type Settings = Readonly<Record<string, string | boolean>>;

/**
 * What systemd keeps a worker and the commands beside it from: one table for these units and for those of the NixOS modules
 * (nix/modules/confinement.nix). The sandbox of an agent takes namespaces of its own, a /proc of which nothing is covered, a
 * network device, and control groups with its limits. Root reads other people's checkouts by its capabilities; nobody else gets any.
 */
function confinement(user: string, agent: boolean): Settings {
  const { every, withAgent, withoutAgent, account, root } = confinementTable;
  return { ...every, ...(agent ? withAgent : withoutAgent), ...(user === 'root' ? root : account) };
}

/** The secret of webhooks, for root alone. */
const HOOK_SECRET = '/etc/lockkeeper/hook-secret';

/** Where Nix's own installer and distributions put `nix`, `git` and `ssh`. */
const PATH = ['/usr/local/bin', '/usr/bin', '/bin', '/nix/var/nix/profiles/default/bin'];

/**
 * The unit files by name. None of them runs agents for root: what root's sandbox takes is nearly all that root may do.
 * @throws BadInput for a user or an address that systemd would take for something else, and for root with an agent
 */
export function systemdUnits({
  command,
  user,
  address,
  runKeyFile,
  userQueue,
  agent,
}: WorkerUnit): Readonly<Record<string, string>> {
  checkAccountName(user, '--user');
  if (agent && user === 'root')
    throw new BadInput(
      '--user',
      user,
      'cannot be combined with --agent: to make the sandbox of an agent, a worker of root would need nearly all rights over the ' +
        'machine. Give it an account of its own, such as --user lockkeeper, or leave out --agent.',
    );
  if (address !== null && !/^[\w.:[\]-]+:\d{1,5}$/.test(address))
    throw new BadInput(
      '--address',
      address,
      'is not an address of a server: write one such as temporal.example.org:7233.',
    );
  if (userQueue && address === null)
    throw new BadInput(
      '--user-queue',
      user,
      'shares its server with another worker: name that with --address, such as 127.0.0.1:7233.',
    );
  // Name of the unit, and of its folders below /var/lib and /var/cache.
  const name = userQueue ? `lockkeeper-${user}` : 'lockkeeper';
  // What Git calls for a password runs by the same Node.
  const programs = new Set([...PATH, path.dirname(command[0] ?? '/usr/bin/node')]);
  const environment = [
    `PATH=${[...programs].join(':')}`,
    'NIX_REMOTE=daemon',
    `XDG_CACHE_HOME=/var/cache/${name}`,
    `LOCKKEEPER_STATE_DIR=/var/lib/${name}`,
    ...(address === null ? [] : [`TEMPORAL_ADDRESS=${address}`]),
    ...(runKeyFile === null ? [] : [`LOCKKEEPER_RUN_KEY_FILE=${runKeyFile}`]),
  ];
  const program = command.map(commandWord).join(' ');
  const roles = ['coordinator', 'builder', ...(agent ? ['agent'] : [])];
  const common = [
    ['User', user],
    ...environment.map((each) => ['Environment', quoted(each)]),
    '# Stop only the main process: builds and an embedded server must survive a restart of this service.',
    ['KillMode', 'process'],
    '# When the kernel kills a build or an evaluation for memory, that one is tried again and the others continue.',
    ['OOMPolicy', 'continue'],
    ['StateDirectory', name],
    ['StateDirectoryMode', '0700'],
    ['CacheDirectory', name],
    ['CacheDirectoryMode', '0700'],
    '# A remote on this machine belongs here too.',
    ['ReadWritePaths', '/tmp /var/tmp'],
    ...Object.entries(confinement(user, agent)).map(([setting, value]) => [setting, String(value)]),
  ];
  const worker = [
    [
      'ExecStart',
      `${program} ${address === null ? 'dev' : 'worker'} --roles=${roles.join(',')}${userQueue ? ` --user-queue=${user}` : ''}`,
    ],
    ...common,
    ['Restart', 'always'],
    ['RestartSec', '10'],
    ['TimeoutStopSec', '30'],
  ];
  const beside = [
    ['Wants', `${name}.service`],
    ['After', `${name}.service`],
  ];
  const install = [['WantedBy', 'multi-user.target']];
  const own = {
    [`${name}.service`]: unitFile({
      Unit: [
        ['Description', `Lockkeeper worker of ${user}`],
        ['Wants', 'network-online.target'],
        ['After', 'network-online.target nix-daemon.socket'],
        ['StartLimitIntervalSec', '0'],
      ],
      Service: worker,
      Install: install,
    }),
  };
  // The configuration is applied once for all accounts.
  if (userQueue) return own;
  return {
    ...own,
    [`${name}-apply.service`]: unitFile({
      Unit: [
        ['Description', 'Make the schedules those of the configuration'],
        ...beside,
        ['ConditionPathExistsGlob', '/etc/lockkeeper/lockkeeper.*'],
        '# The server may come later than this machine.',
        ['StartLimitIntervalSec', '0'],
      ],
      Service: [
        ['Type', 'oneshot'],
        ['RemainAfterExit', 'true'],
        ['ExecStart', `${program} apply`],
        ['Restart', 'on-failure'],
        ['RestartSec', '30'],
        ...common,
      ],
      Install: install,
    }),
    [`${name}-hooks.service`]: unitFile({
      Unit: [
        ['Description', 'Webhooks of forges'],
        ...beside,
        ['ConditionPathExists', HOOK_SECRET],
        ['StartLimitIntervalSec', '0'],
      ],
      Service: [
        ['ExecStart', `${program} hooks --secret-file %d/hook-secret`],
        ['LoadCredential', `hook-secret:${HOOK_SECRET}`],
        ['Restart', 'always'],
        ['RestartSec', '10'],
        ...common,
      ],
      Install: install,
    }),
    [`${name}-run@.service`]: unitFile({
      Unit: [['Description', 'A run of the instance %i'], ...beside],
      Service: [
        ['Type', 'oneshot'],
        ['ExecStart', `${program} run --watch -- %i`],
        '# Nothing moved, or nothing that a host is built of.',
        ['SuccessExitStatus', '2 3'],
        ...common,
      ],
    }),
  };
}

/** A setting, or a comment as it is. */
type Line = readonly string[] | string;

const unitFile = (sections: Readonly<Record<string, readonly Line[]>>): string =>
  Object.entries(sections).map(section).join('\n');

const section = ([name, lines]: readonly [string, readonly Line[]]): string =>
  [`[${name}]`, ...lines.map((line) => (typeof line === 'string' ? line : line.join('='))), ''].join('\n');

/** One word as systemd.syntax(7) reads it; specifiers are taken as text. */
function quoted(text: string): string {
  const plain = text.replaceAll('%', '%%');
  return /^[\w%$./:=@[\]-]+$/.test(plain) ? plain : `"${plain.replace(/["\\]/g, '\\$&')}"`;
}

/** One word of a command in systemd.service(5); variables are taken as text. */
const commandWord = (text: string): string => quoted(text.replaceAll('$', () => '$$'));
