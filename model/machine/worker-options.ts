import { BadInput, checkAccountName } from '../checks/names.js';
import { commaList, line, listOf, oneOf, readableFile, secretFile, text, whole } from '../config/kinds.js';
import { LOOPBACK } from '../hooks/defaults.js';
import { stateDirOption, type DeclaredOptions, type Given, type Machine } from './declared-option.js';

export const ROLES = ['coordinator', 'builder', 'agent'] as const;
export type Role = (typeof ROLES)[number];

export const LOG_FORMATS = ['text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

const system = text('a Nix system', (value, field) => {
  if (/^[a-z0-9_]+-[a-z0-9_]+$/.test(value)) return value;
  throw new BadInput(field, value, 'is not a Nix system: give systems such as x86_64-linux, separated by commas.');
});

/** What a gate or an agent is started by: a name that is looked up, or an absolute path. */
const command = text('a command', (value, field) => {
  if (/^(?:[^\s/]+|\/\S+)$/.test(value)) return value;
  throw new BadInput(
    field,
    value,
    'is not a command: give a name such as claude, or an absolute path, without arguments.',
  );
});

const port = (least: number) => whole(least, 65_535);
const GIB = 1024 ** 3;

/** The options of `worker` and `dev`, by the names under which commander gives their values. */
export const WORKER_OPTIONS = {
  stateDir: stateDirOption('where mirrors, builds and reports are kept'),
  roles: {
    flags: '--roles <list>',
    description: 'roles of this worker, separated by commas',
    kind: commaList(oneOf(ROLES), 'roles'),
    usual: () => ROLES,
  },
  userQueue: {
    flags: '--user-queue <account>',
    description: 'work only for instances with this user',
    kind: text('an account', checkAccountName),
  },
  systems: {
    flags: '--systems <list>',
    description: 'Nix systems to build for, separated by commas (default: those of this machine)',
    kind: commaList(system, 'Nix systems'),
  },
  slots: {
    flags: '--slots <n>',
    description: 'builds at once',
    kind: whole(1, 1000),
    // Many derivations wait more than they compute.
    usual: ({ cores }: Machine) => Math.max(4, cores),
  },
  evalSlots: {
    flags: '--eval-slots <n>',
    description: 'evaluations at once',
    kind: whole(1, 1000),
    // Today's NixOS takes 1 to 4 GB to evaluate.
    usual: ({ memoryBytes }: Machine) => Math.max(1, Math.floor(memoryBytes / (4 * GIB))),
  },
  runKeyFile: {
    flags: '--run-key-file <file>',
    description:
      'accept only commands that use this key (default: $LOCKKEEPER_RUN_KEY_FILE, else the embedded server’s own)',
    kind: readableFile,
  },
  allowCommand: {
    flags: '--allow-command <command>',
    description:
      'command that gates, agents, caches and settings of Nix may run; all others are refused, and --accept-flake-config; repeatable (default: all commands)',
    kind: listOf(command, 'commands'),
  },
  healthPort: {
    flags: '--health-port <port>',
    description: 'answer GET /healthz and /readyz on this port of 127.0.0.1',
    kind: port(0),
  },
  metricsPort: {
    flags: '--metrics-port <port>',
    description: 'Prometheus metrics on this port of 127.0.0.1',
    kind: port(1),
  },
  hookPort: {
    flags: '--hook-port <port>',
    description: 'listen for webhooks of forges on this port, as "lockkeeper hooks" does; needs --hook-secret-file',
    kind: port(0),
  },
  hookAddress: {
    flags: '--hook-address <address>',
    description: 'address of that port',
    kind: line,
    usual: () => LOOPBACK,
  },
  hookSecretFile: {
    flags: '--hook-secret-file <file>',
    description: 'file with the secrets of the webhooks, one a line',
    kind: secretFile,
  },
  logFormat: {
    flags: '--log-format <format>',
    description: 'log lines for people or programs',
    kind: oneOf(LOG_FORMATS),
    usual: () => 'text' as const,
  },
} satisfies DeclaredOptions;

export type WorkerOptions = Given<typeof WORKER_OPTIONS>;
