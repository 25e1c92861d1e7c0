import type { DeclaredOption } from './declared-option.js';

export const ROLES = ['coordinator', 'builder', 'agent'] as const;
export type Role = (typeof ROLES)[number];

export const LOG_FORMATS = ['text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export type WorkerOptionName =
  | 'stateDir'
  | 'roles'
  | 'userQueue'
  | 'systems'
  | 'slots'
  | 'evalSlots'
  | 'runKeyFile'
  | 'allowCommand'
  | 'healthPort'
  | 'metricsPort'
  | 'logFormat';

/** The options of `worker` and `dev`, by the names under which commander gives their values. */
export const WORKER_OPTIONS: Readonly<Record<WorkerOptionName, DeclaredOption>> = {
  stateDir: { flags: '--state-dir <folder>', description: 'where mirrors, builds and reports are kept' },
  roles: { flags: '--roles <list>', description: 'what this machine does, with commas' },
  userQueue: {
    flags: '--user-queue <account>',
    description: 'do the runs of instances with this user, and no others',
  },
  systems: {
    flags: '--systems <list>',
    description: 'Nix systems to build for (default: what this machine can build)',
  },
  slots: { flags: '--slots <n>', description: 'builds at once' },
  evalSlots: { flags: '--eval-slots <n>', description: 'evaluations at once' },
  runKeyFile: {
    flags: '--run-key-file <file>',
    description:
      'do only what is asked with this key (default: $LOCKKEEPER_RUN_KEY_FILE, else the embedded server’s own)',
  },
  allowCommand: {
    flags: '--allow-command <command>',
    description:
      'run this command as gate or agent, and no other; can be given again (default: all that are asked for)',
  },
  healthPort: {
    flags: '--health-port <port>',
    description: 'answer GET /healthz and /readyz on this port of 127.0.0.1',
  },
  metricsPort: { flags: '--metrics-port <port>', description: 'Prometheus metrics on this port of 127.0.0.1' },
  logFormat: { flags: '--log-format <format>', description: 'log lines for people or programs', choices: LOG_FORMATS },
};
