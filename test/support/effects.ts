/**
 * Loaded before anything else, makes a process die between two lines: it counts the effects that its program is about to
 * have (changes of files, commands, requests), and kills itself before the one whose number is in `DIE_AT`. A command counts
 * twice: before it is ordered, and when it has just begun and nobody will hear how it ends.
 */
import childProcess from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import files from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const dieAt = Number(process.env.DIE_AT ?? 0);
let seen = 0;

/** How many effects there were so far. */
export const effects = (): number => seen;

function effect(): void {
  seen += 1;
  if (seen === dieAt) process.kill(process.pid, 'SIGKILL');
}

type Call = (...args: unknown[]) => unknown;

function counted(owner: object, name: string): void {
  const methods = owner as Record<string, Call>;
  const original = methods[name];
  if (original === undefined) throw new Error(`there is no ${name} to count`);
  methods[name] = function (this: unknown, ...args) {
    effect();
    return original.apply(this, args);
  };
}

const CHANGES = ['appendFile', 'copyFile', 'link', 'mkdir', 'mkdtemp', 'rename', 'rm', 'rmdir', 'utimes', 'writeFile'];
for (const name of CHANGES) counted(files, name);

const { open } = files;
let handles = false;
files.open = async (...args: Parameters<typeof open>): Promise<FileHandle> => {
  effect();
  const handle = await open(...args);
  if (!handles) for (const name of ['write', 'datasync']) counted(Object.getPrototypeOf(handle) as object, name);
  handles = true;
  return handle;
};

/** The launcher is the only process that activities start by themselves; it starts their commands. */
const { fork } = childProcess as { fork: (...args: unknown[]) => ChildProcess };
(childProcess as { fork: typeof fork }).fork = (...args) => {
  const launcher = fork(...args);
  const send = launcher.send.bind(launcher) as (message: unknown, sent: (error: Error | null) => void) => boolean;
  const counting: typeof send = (message, sent) => {
    effect();
    return send(message, (error) => {
      sent(error);
      // Time for the launcher to start the command.
      void sleep(5).then(effect);
    });
  };
  launcher.send = counting as ChildProcess['send'];
  return launcher;
};

const { fetch } = globalThis;
globalThis.fetch = async (...args) => {
  effect();
  const answer = await fetch(...args);
  effect();
  return answer;
};

syncBuiltinESMExports();
