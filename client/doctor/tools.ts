import { existsSync } from 'node:fs';
import { LIMIT_PROGRAM, inScope, managerOf } from '../../model/sandbox/limits.js';
import { NETWORK_PROGRAMS, triedInSandbox } from '../../model/sandbox/sandbox.js';
import { stripControl } from '../../model/text/text.js';
import { askProgram } from '../flake/ask-program.js';
import { fail, ok, warn, type Finding } from './finding.js';

const FLAKES = ['--extra-experimental-features', 'nix-command flakes'];
const OLDEST_NIX = [2, 8] as const;
/** The first that reads `GIT_CONFIG_GLOBAL`, by which a person's settings are kept out of Lockkeeper's own repositories. */
const OLDEST_GIT = [2, 32] as const;
const LIMIT_MS = 8000;

interface Answer {
  readonly found: boolean;
  readonly ok: boolean;
  readonly stdout: string;
  readonly complaint: string;
}

async function ask(command: string, args: readonly string[]): Promise<Answer> {
  const answer = await askProgram(command, args, { timeoutMs: LIMIT_MS });
  return {
    found: !answer.notFound,
    ok: answer.exitCode === 0,
    stdout: stripControl(answer.stdout).trim(),
    complaint:
      answer.exceeded === 'time'
        ? `no answer within ${LIMIT_MS / 1000} s`
        : (stripControl(answer.stderr).trim().split('\n').at(-1) ?? ''),
  };
}

type Version = readonly [major: number, minor: number];

const isOlder = ([major, minor]: Version, [wantedMajor, wantedMinor]: Version): boolean =>
  major < wantedMajor || (major === wantedMajor && minor < wantedMinor);

export async function checkGit(): Promise<Finding> {
  const { found, stdout } = await ask('git', ['--version']);
  const version = /(\d+)\.(\d+)[\d.]*/.exec(stdout);
  if (!found || version === null) return fail('Git', 'not on the PATH', 'install it, for example: apt-get install git');
  const [text, major, minor] = version;
  return isOlder([Number(major), Number(minor)], OLDEST_GIT)
    ? fail('Git', text, `install Git ${OLDEST_GIT.join('.')} or newer`)
    : ok('Git', text);
}

/** Containers and kernels may forbid what a sandbox needs, so one is made. */
export async function checkAgentSandbox(): Promise<Finding> {
  const name = 'agent sandbox';
  const { found, ok: works, complaint } = await ask('bwrap', triedInSandbox(process.getuid?.() === 0));
  if (!found) return warn(name, 'no bubblewrap', 'no agent of --autofix runs here: install bubblewrap');
  if (!works) return warn(name, complaint, 'no agent of --autofix runs here: let this user make user namespaces');
  for (const [program, owner] of NETWORK_PROGRAMS)
    if (!(await ask(program, ['--version'])).found)
      return warn(name, `no ${program}`, `agents have no network of their own: install ${owner}`);
  return ok(name, 'bubblewrap makes one, slirp4netns connects it');
}

/** The program that enforces limits of agents, for this user in this session. */
export async function checkAgentLimits(): Promise<Finding> {
  const name = 'agent limits';
  if (!(await ask(LIMIT_PROGRAM.command, ['--version'])).found)
    return warn(name, `no ${LIMIT_PROGRAM.command}`, `no agent of --autofix runs here: install ${LIMIT_PROGRAM.owner}`);
  const uid = process.getuid?.() ?? 0;
  const [program = '', ...args] = inScope(uid, `lockkeeper-doctor-${process.pid}`, ['TasksAccounting=yes'], ['true']);
  return ok(
    name,
    existsSync(managerOf(uid)) && (await ask(program, args)).ok
      ? 'control groups of systemd keep them'
      : 'each process has its own (rlimits), and all are watched: systemd makes no control group for this user here',
  );
}

/** Nix itself, whether it evaluates flakes, and the settings that decide what builds may do. */
export async function checkNix(): Promise<readonly Finding[]> {
  const { found, stdout } = await ask('nix', ['--version']);
  const version = /(\d+)\.(\d+)[\w.]*$/m.exec(stdout);
  if (!found || version === null) {
    return [fail('Nix', 'not on the PATH', 'install it: https://nixos.org/download, or "apt-get install nix-bin"')];
  }
  const [text, major, minor] = version;
  if (isOlder([Number(major), Number(minor)], OLDEST_NIX))
    return [fail('Nix', text, `install Nix ${OLDEST_NIX.join('.')} or newer`)];
  return [ok('Nix', text), ...(await Promise.all([checkFlakes(), checkStore()])), ...(await checkSettings())];
}

async function checkFlakes(): Promise<Finding> {
  // Without a store: that has a finding of its own.
  const anywhere = [...FLAKES, '--store', 'dummy://'];
  const { ok: works, complaint } = await ask('nix', [...anywhere, 'eval', '--expr', 'builtins ? getFlake']);
  return works
    ? ok('flakes', 'can be enabled')
    : fail('flakes', complaint, 'let this Nix use the experimental features nix-command and flakes');
}

async function checkStore(): Promise<Finding> {
  const { ok: works, complaint } = await ask('nix', [...FLAKES, 'store', 'ping']);
  if (works) return ok('Nix store', 'answers');
  return complaint.includes('Permission denied')
    ? fail(
        'Nix store',
        complaint,
        'let this account use nix-daemon; on Debian: usermod --append --groups nix-users NAME',
      )
    : fail('Nix store', complaint, 'start nix-daemon, or run as the user that owns /nix/store');
}

async function checkSettings(): Promise<readonly Finding[]> {
  const { ok: works, stdout, complaint } = await ask('nix', [...FLAKES, 'show-config', '--json']);
  if (!works) return [warn('Nix settings', complaint, 'see "nix show-config"')];
  const settings = JSON.parse(stdout) as Readonly<Record<string, { readonly value: unknown } | undefined>>;
  const { sandbox } = settings;
  const value = (name: string): string => JSON.stringify(settings[name]?.value ?? null);
  return [
    sandbox?.value === false
      ? warn(
          'sandbox',
          'off',
          'builds can read the files of this machine: set "sandbox = true" in nix.conf where the kernel allows it',
        )
      : ok('sandbox', value('sandbox')),
    trustedUsers(settings['trusted-users']?.value),
  ];
}

/** Without a daemon every setting is honoured; with one, only those of trusted users. */
function trustedUsers(value: unknown): Finding {
  const { username = '', uid } = { username: process.env.USER ?? process.env.LOGNAME, uid: process.getuid?.() };
  const users: readonly unknown[] = Array.isArray(value) ? value : [];
  if (uid === 0 || users.includes('*') || users.includes(username))
    return ok('trusted', 'yes: Nix takes settings of this user');
  return warn(
    'trusted',
    `this user is not among trusted-users (${users.join(', ')})`,
    'a daemon ignores some settings of --nix-option and of flakes: add the user to trusted-users if you need them',
  );
}
