import { availableParallelism, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { checkAccountName } from '../model/names.js';
import { defaultStateRoot } from '../model/state-directory.js';
import { LOG_FORMATS } from './log.js';
import type { LogFormat } from './log.js';

export const ROLES = ['coordinator', 'builder', 'agent'] as const;
export type Role = (typeof ROLES)[number];

export interface WorkerCommandOptions {
  readonly stateDir: string;
  readonly roles: readonly Role[];
  /** The account whose runs it does; `null`: those of nobody in particular. */
  readonly userQueue: string | null;
  /** `null`: what this machine's Nix can build. */
  readonly systems: readonly string[] | null;
  readonly slots: number;
  readonly evaluationSlots: number;
  readonly healthPort: number | null;
  readonly metricsPort: number | null;
  readonly logFormat: LogFormat;
  /** End when no other process of this state directory needs a worker. */
  readonly attended: boolean;
}

/** Build slots of a machine: its cores, and at least four, since many derivations wait more than they compute. */
const defaultSlots = (): number => Math.max(4, availableParallelism());

/** Evaluation slots: one for each 4 GiB, since today's NixOS takes 1 to 4 GB to evaluate. */
const defaultEvaluationSlots = (): number => Math.max(1, Math.floor(totalmem() / (4 * 1024 ** 3)));

interface Raw {
  readonly stateDir: string;
  readonly roles: readonly Role[];
  readonly userQueue?: string;
  readonly systems?: readonly string[];
  readonly slots: number;
  readonly evalSlots: number;
  readonly healthPort?: number;
  readonly metricsPort?: number;
  readonly logFormat: LogFormat;
  readonly attended?: boolean;
}

/** Adds the options that `worker` and `dev` share, and calls `action` with what was given. */
export function declareWorkerOptions(
  command: Command,
  action: (options: WorkerCommandOptions) => Promise<void>,
): Command {
  return command
    .option('--state-dir <folder>', 'where mirrors, builds and reports are kept', defaultStateRoot(process.env))
    .addOption(
      new Option('--roles <list>', 'what this machine does, with commas')
        .argParser(roles)
        .default(ROLES, ROLES.join(',')),
    )
    .option('--user-queue <account>', 'do the runs of instances with this user, and no others', account)
    .option('--systems <list>', 'Nix systems to build for (default: what this machine can build)', systems)
    .option('--slots <n>', 'builds at once', whole(1, 1000), defaultSlots())
    .option('--eval-slots <n>', 'evaluations at once', whole(1, 1000), defaultEvaluationSlots())
    .option('--health-port <port>', 'answer GET /healthz and /readyz on this port of 127.0.0.1', whole(0, 65535))
    .option('--metrics-port <port>', 'Prometheus metrics on this port of 127.0.0.1', whole(1, 65535))
    .addOption(
      new Option('--log-format <format>', 'log lines for people or programs').choices(LOG_FORMATS).default('text'),
    )
    .addOption(new Option('--attended').hideHelp())
    .action((raw: Raw) =>
      action({
        stateDir: resolve(raw.stateDir),
        roles: raw.roles,
        userQueue: raw.userQueue ?? null,
        systems: raw.systems ?? null,
        slots: raw.slots,
        evaluationSlots: raw.evalSlots,
        healthPort: raw.healthPort ?? null,
        metricsPort: raw.metricsPort ?? null,
        logFormat: raw.logFormat,
        attended: raw.attended ?? false,
      }),
    );
}

const list = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

function roles(text: string): readonly Role[] {
  const given = list(text);
  const known = given.filter((role): role is Role => (ROLES as readonly string[]).includes(role));
  if (known.length === 0 || known.length !== given.length)
    throw new InvalidArgumentError(`Give one or more of ${ROLES.join(', ')}, separated by commas.`);
  return known;
}

function account(text: string): string {
  try {
    return checkAccountName(text, '--user-queue');
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function systems(text: string): readonly string[] {
  const given = list(text);
  if (given.length === 0 || !given.every((system) => /^[a-z0-9_]+-[a-z0-9_]+$/.test(system)))
    throw new InvalidArgumentError('Give Nix systems such as x86_64-linux, separated by commas.');
  return given;
}

const whole =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
    return value;
  };
