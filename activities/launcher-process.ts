import { spawn } from 'node:child_process';
import { localGit } from './git/local-git.js';
import type { DetachedCommand, LauncherAnswer, LauncherOrder, LauncherRequest } from './launcher-protocol.js';
import { lowerPriority } from './priority.js';
import { run } from './process.js';

/** The program of the launcher: see launcher.ts. It ends with the process that it serves. */
const running = new Map<number, AbortController>();

function carryOut(order: LauncherOrder, signal: AbortSignal): Promise<unknown> {
  if (order.kind === 'git') return localGit(order.command, signal);
  if (order.kind === 'detach') return detach(order);
  return run(order.command, order.args, { ...order.options, signal });
}

/** Resolves once the command runs. */
function detach({ command, args, cwd, env }: DetachedCommand): Promise<void> {
  const child = spawn(command, args, { detached: true, stdio: 'ignore', cwd, env });
  child.unref();
  if (child.pid !== undefined) lowerPriority(child.pid);
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
}

async function answer(id: number, order: LauncherOrder): Promise<LauncherAnswer> {
  const ending = new AbortController();
  running.set(id, ending);
  try {
    return { kind: 'done', id, result: await carryOut(order, ending.signal) };
  } catch (error) {
    return { kind: 'failed', id, message: error instanceof Error ? error.message : String(error) };
  } finally {
    running.delete(id);
  }
}

process.on('message', (message) => {
  const request = message as LauncherRequest;
  if (request.kind === 'end') {
    running.get(request.id)?.abort();
    return;
  }
  void answer(request.id, request.order).then((done) => process.send?.(done, () => undefined));
});
process.on('disconnect', () => {
  process.exit(0);
});
// Whoever stops the worker's whole service stops this process through the worker, which still needs it then.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
