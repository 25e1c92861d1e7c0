import { spawn } from 'node:child_process';
import type { DetachedCommand, LauncherAnswer, LauncherOrder, LauncherRequest } from './launcher-protocol.js';
import { lowerPriority } from './priority.js';
import { run } from './process.js';

/** The program of the launcher: see launcher.ts. It ends with the process that it serves, and so do commands that have to do with remotes. */
const running = new Map<number, { readonly order: LauncherOrder; readonly ending: AbortController }>();

function carryOut(order: LauncherOrder, signal: AbortSignal): Promise<unknown> {
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
  running.set(id, { order, ending });
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
    running.get(request.id)?.ending.abort();
    return;
  }
  void answer(request.id, request.order).then((done) => process.send?.(done, () => undefined));
});
/** What commands get to end when the process that they served is gone. */
const ENDING_MS = 10_000;

const hasLimits = (order: LauncherOrder): boolean => order.kind === 'run' && order.options.limits !== undefined;

// What has to do with a remote may go on for ever, with nobody left to keep it to its limits. Everything else ends by itself.
process.on('disconnect', () => {
  for (const { order, ending } of running.values()) if (hasLimits(order)) ending.abort();
  setInterval(() => {
    if (![...running.values()].some(({ order }) => hasLimits(order))) process.exit(0);
  }, 50);
  setTimeout(() => process.exit(0), ENDING_MS);
});
// A stop of the whole service reaches this process through the worker, which still needs it while it stops.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
