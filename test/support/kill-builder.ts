import type { Fleet } from './fleet.js';
import { runningCommands } from './processes.js';

/** SIGKILL to the running builder of a host's system, as the kernel does when memory is short. */
export async function killBuilder(fleet: Fleet, host: string): Promise<void> {
  for (const { pid, words } of await runningCommands()) {
    const script = words[1] === '-c' ? words[2] : undefined;
    if (script?.includes(fleet.counter) === true && script.includes(`system ${host}`)) process.kill(pid, 'SIGKILL');
  }
}
