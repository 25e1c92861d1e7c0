import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { runningServer } from '../host/embedded-server.js';
import { announceProcess } from '../host/client-processes.js';
import { stateDirectory } from '../model/machine/state-directory.js';
import { createDemoFleet, git, moveUpstream, type DemoFleet } from './demo/fleet.js';
import { BROKEN_HOST, HOSTS } from './demo/flakes.js';
import { stopEverything } from './demo/stop.js';

/** `npm run demo`: a real update of a small fleet, up to the pushed branch. Exits with 0 when that is as it should. */
const project = fileURLToPath(new URL('../..', import.meta.url));
const lockkeeper = fileURLToPath(new URL('../../bin/lockkeeper', import.meta.url));
const interactive = process.stdin.isTTY && process.stdout.isTTY;

const heading = (text: string): void => {
  console.log(process.stdout.isTTY && !process.env.NO_COLOR ? `\n\u001b[1m${text}\u001b[0m` : `\n${text}`);
};

async function main(): Promise<number> {
  heading('A fleet, made for this demo');
  const fleet = await createDemoFleet();
  console.log(`${HOSTS.join(', ')}: four hosts in ${fleet.checkout}\nwhich pushes to ${fleet.remote}`);

  heading('Upstream moves');
  for (const move of await moveUpstream(fleet)) console.log(move);
  console.log(`${BROKEN_HOST} will not build any more: it uses an option that the new web-stack has dropped.`);

  // Registered before the run, so that the server stays for looking around after it.
  const state = stateDirectory(fleet.stateDir);
  await announceProcess(state, 'demo');
  try {
    if (!(await updateFleet(fleet))) return 1;
    heading('Look further');
    await lookFurther(fleet, (await runningServer(state))?.uiUrl ?? null);
    return 0;
  } finally {
    await stopEverything(state);
  }
}

/** The update itself and what it pushed; `false` when it did not do what the demo is there to show. */
async function updateFleet(fleet: DemoFleet): Promise<boolean> {
  const args = ['update', fleet.checkout, '--state-dir', fleet.stateDir];
  heading('Lockkeeper updates it, holds back the input to blame, and lands the rest');
  console.log(`$ ./bin/lockkeeper ${args.join(' ')}\n`);
  const status = await runLockkeeper(fleet, args);
  if (status !== 0) {
    console.error(`\nThe demo failed: lockkeeper update ended with status ${status}. Its files are in ${fleet.root}`);
    return false;
  }

  heading('The branch that was pushed');
  const branch = await updateBranch(fleet);
  if (branch === null) {
    console.error(`The demo failed: ${fleet.remote} has no update branch.`);
    return false;
  }
  console.log(`$ git -C ${fleet.remote} log --stat main..${branch}\n`);
  console.log(await git(fleet.remote, 'log', '--stat', `main..${branch}`));
  return true;
}

/** Runs the real command with this terminal, so that its live progress is seen; gives its exit status. */
async function runLockkeeper(fleet: DemoFleet, args: readonly string[]): Promise<number> {
  const env: NodeJS.ProcessEnv = { ...process.env, TEMPORAL_CLI: process.env.TEMPORAL_CLI ?? (await foundTemporal()) };
  // The demo shows the embedded server, wherever this person's own Temporal is.
  for (const name of Object.keys(env)) if (/^TEMPORAL_(?!CLI$)/.test(name)) Reflect.deleteProperty(env, name);
  env.TEMPORAL_CONFIG_FILE = path.join(fleet.root, 'no-temporal-profile');
  // Ctrl-C reaches the command too, which says how the run goes on; we say after it where the files are.
  const stay = (): void => undefined;
  process.on('SIGINT', stay);
  return new Promise((resolve, reject) => {
    const child = spawn(lockkeeper, args, { stdio: 'inherit', env });
    child.once('error', reject);
    child.once('close', (code) => {
      process.off('SIGINT', stay);
      resolve(code ?? 1);
    });
  });
}

const foundTemporal = async (): Promise<string> =>
  (await readFile(new URL('../../.cache/temporal-path', import.meta.url), 'utf8')).trim();

/** The one branch of the remote beside main; `null` when there is none or it is not one commit ahead. */
async function updateBranch(fleet: DemoFleet): Promise<string | null> {
  const branches = (await git(fleet.remote, 'branch', '--format=%(refname:short)')).split('\n');
  const [branch] = branches.filter((name) => name !== 'main');
  if (branch === undefined) return null;
  const changed = await git(fleet.remote, 'diff', '--name-only', `main..${branch}`);
  return changed === 'flake.lock' ? branch : null;
}

/** Says where to look; on a terminal the server stays until Enter or Ctrl-C. */
async function lookFurther(fleet: DemoFleet, uiUrl: string | null): Promise<void> {
  const own = `--state-dir ${fleet.stateDir}`;
  if (uiUrl !== null) console.log(`Temporal UI          ${uiUrl}`);
  console.log(`the report again     ./bin/lockkeeper report latest ${own}`);
  console.log(`a host's build log   ./bin/lockkeeper logs latest ${BROKEN_HOST} ${own}`);
  console.log(`all runs             ./bin/lockkeeper list ${own}`);
  console.log(`(type these in ${project.replace(/\/$/, '')})`);
  console.log(`\nWhen you are done:   rm -rf ${fleet.root}`);
  if (!interactive) {
    console.log('The server stops now; each of these commands starts it again, at the same address.');
    return;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  terminal.on('SIGINT', () => {
    terminal.close();
  });
  await Promise.race([
    terminal.question('\nThe server runs until you press Enter or Ctrl-C. '),
    new Promise((resolve) => terminal.once('close', resolve)),
  ]);
  terminal.close();
}

process.exitCode = await main();
