import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { messageOf } from '../model/text/message-of.js';
import { HostFault } from './errors.js';
import { installed } from './installation.js';

export interface Detached {
  readonly pid: number;
  readonly exited: () => boolean;
  /** Whether it has ended by itself with an error, which its log tells. */
  readonly failed: () => boolean;
}

/** Starts one of our programs in its own session, away from Ctrl-C, with a log. @param program below `dist/workers` */
export async function startDetached(program: string, args: readonly string[], log: string): Promise<Detached> {
  const file = await open(log, 'a', 0o600);
  try {
    const script = installed(`dist/workers/${program}`);
    const child = spawn(process.execPath, [script, ...args], {
      detached: true,
      stdio: ['ignore', file.fd, file.fd],
      cwd: '/',
    });
    const started = new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => {
        resolve(child.pid ?? 0);
      });
    });
    const pid = await started.catch((error: unknown) => {
      throw new HostFault(`${script} cannot be started: ${messageOf(error)}`);
    });
    child.unref();
    return {
      pid,
      exited: () => child.exitCode !== null || child.signalCode !== null,
      failed: () => child.exitCode !== null && child.exitCode !== 0,
    };
  } finally {
    await file.close();
  }
}
