import assert from 'node:assert/strict';
import { lstat, lutimes, mkdir, readFile, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DAY_MS } from '../../model/text/span.js';
import { withMovedFleet } from '../support/fleet.js';
import { git } from '../support/git.js';
import { until } from '../support/lockkeeper.js';
import { withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';

const { house, worker } = await withServedHouse(wholeFile);
const fleet = await withMovedFleet(wholeFile, { hosts: [{ name: 'athena' }] }, ['alpha']);
/** A run that is over, and one that waits for approval. */
const closed = (await house.update(fleet.checkout, '--dry-run')).report.run;
await sleep(1100);
await fleet.moveInput('alpha');
const waiting = house.start(['update', fleet.checkout, '--approve', '--json']);
const open = await openRun();

async function openRun(): Promise<string> {
  const runs = async (): Promise<readonly string[]> =>
    (await readdir(house.state.builds)).filter((run) => run !== closed);
  const waits = async (run: string): Promise<boolean> => {
    const { stdout, stderr } = await house.lockkeeper(['status', run]);
    return (stdout + stderr).includes('lockkeeper approve');
  };
  await until(
    async () => (await runs()).length === 1 && (await waits((await runs())[0] ?? '')),
    60_000,
    waiting.output,
  );
  return (await runs())[0] ?? '';
}

/** Makes everything below a folder look as if nobody had touched it for so many days. */
async function age(folder: string, days: number): Promise<void> {
  const then = new Date(Date.now() - days * DAY_MS);
  for (const name of await readdir(folder, { recursive: true })) await lutimes(path.join(folder, name), then, then);
  await utimes(folder, then, then);
}

interface Result {
  readonly dryRun: boolean;
  readonly serverAsked: boolean;
  readonly removed: readonly {
    readonly kind: string;
    readonly path: string;
    readonly bytes: number;
    readonly why: string;
  }[];
  readonly left: readonly { readonly path: string }[];
}

async function prune(...args: string[]): Promise<Result> {
  const finished = await house.lockkeeper(['prune', '--json', ...args]);
  assert.equal(finished.exitCode, 0, finished.stderr);
  return JSON.parse(finished.stdout) as Result;
}

const paths = ({ removed }: Result): string[] => removed.map((each) => each.path);
const isThere = (file: string): Promise<boolean> =>
  lstat(file).then(
    () => true,
    () => false,
  );
const logsOf = (run: string): string => path.join(house.state.builds, run);
const rootsOf = (run: string): string => path.join(house.state.evaluations, 'runs', run);

test('nothing of today is removed', async () => {
  const { removed, serverAsked } = await prune('--older-than', '1d', '--max-size', '0');
  assert.deepEqual(removed, []);
  assert.equal(serverAsked, true);
});

test('a dry run names the old logs of a closed run and removes nothing', async () => {
  await age(logsOf(closed), 400);
  const result = await prune('--dry-run');
  assert.deepEqual(paths(result), [logsOf(closed)]);
  assert.equal(result.removed[0]?.kind, 'logs');
  assert.ok(await isThere(logsOf(closed)));
  const { stdout } = await house.lockkeeper(['prune', '--dry-run']);
  assert.match(stdout, /would remove .*not used for 400 days \(limit 365\)/);
});

test('beside a live worker, old logs of a closed run go and everything of an open run stays', async () => {
  await age(logsOf(closed), 400);
  for (const folder of [logsOf(open), rootsOf(open)]) await age(folder, 5000);
  const result = await prune('--older-than', '1d', '--max-size', '0');
  assert.deepEqual(paths(result), [logsOf(closed)]);
  for (const folder of [logsOf(open), rootsOf(open)]) assert.ok((await readdir(folder)).length > 0);
});

test('a size limit takes the oldest logs of closed runs first', async () => {
  const sizes: [string, number][] = [
    ['update-a-20260101-000000', 40],
    ['update-b-20260201-000000', 30],
    ['update-c-20260301-000000', 20],
  ];
  for (const [run, days] of sizes) {
    await mkdir(path.join(logsOf(run), 'x'), { recursive: true });
    await writeFile(path.join(logsOf(run), 'x', 'log'), 'x'.repeat(600_000));
    await age(logsOf(run), days);
  }
  const result = await prune('--max-size', '1M');
  assert.deepEqual(
    paths(result),
    sizes.slice(0, 2).map(([run]) => logsOf(run)),
  );
  assert.ok(await isThere(logsOf('update-c-20260301-000000')));
});

test('what a killed removal left goes the next time, and so do half files and records of dead processes', async () => {
  const half = path.join(house.state.builds, '.removing-0123456789ab');
  await mkdir(path.join(half, 'x'), { recursive: true });
  await writeFile(path.join(half, 'x', 'log'), 'x');
  const temporary = path.join(house.state.reports, 'r.json.0011.tmp');
  await writeFile(temporary, '{');
  await utimes(temporary, new Date(0), new Date(0));
  const fresh = path.join(house.state.reports, 's.json.0011.tmp');
  await writeFile(fresh, '{');
  assert.deepEqual(paths(await prune()).sort(), [half, temporary].sort());
  assert.ok(await isThere(fresh));
});

test('two at once, and one that is killed at any moment, leave nothing half', async () => {
  const runs = Array.from({ length: 30 }, (_, index) => `update-k-20250101-0000${String(index).padStart(2, '0')}`);
  for (const run of runs) {
    for (let host = 0; host < 30; host += 1) {
      await mkdir(path.join(logsOf(run), String(host)), { recursive: true });
      await writeFile(path.join(logsOf(run), String(host), 'log'), 'x');
    }
    await age(logsOf(run), 400);
  }
  for (const delay of [350, 450, 550]) {
    const running = house.start(['prune']);
    await sleep(delay);
    running.child.kill('SIGKILL');
    await running.ended;
    for (const run of await readdir(house.state.builds))
      if (runs.includes(run)) assert.equal((await readdir(logsOf(run))).length, 30, 'a folder is whole or gone');
  }
  const [one, other] = [house.start(['prune']), house.start(['prune'])];
  assert.deepEqual([await one.ended, await other.ended], [0, 0], one.output() + other.output());
  const left = await readdir(house.state.builds);
  assert.deepEqual(
    left.filter((name) => runs.includes(name) || name.startsWith('.removing-')),
    [],
  );
});

test('a mirror is left to the worker that runs here', async () => {
  const mirror = path.join(house.state.mirrors, 'unused.git');
  await git(house.root, 'init', '--quiet', '--bare', mirror);
  await age(mirror, 200);
  const result = await prune();
  assert.deepEqual(
    result.left.map((each) => each.path),
    [mirror],
  );
  assert.ok(await isThere(mirror));
});

test('a worker cleans up by itself when it starts, and its open runs go on', async () => {
  // A command that waits looks after the worker: it would start one of its own before `dev` does.
  waiting.child.kill('SIGKILL');
  await waiting.ended;
  worker.child.kill('SIGTERM');
  await worker.ended;
  const old = 'update-old-20250101-000000';
  await mkdir(path.join(logsOf(old), 'x'), { recursive: true });
  await writeFile(path.join(logsOf(old), 'x', 'log'), 'x');
  await age(logsOf(old), 400);
  await utimes(house.state.pruned, new Date(0), new Date(0));
  const dev = await house.dev();
  await until(async () => !(await isThere(logsOf(old))), 15_000, dev.output);
  await until(async () => !(await isThere(path.join(house.state.mirrors, 'unused.git'))), 5000, dev.output);
  const approved = await house.lockkeeper(['approve', open, '-y']);
  assert.equal(approved.exitCode, 0, approved.stderr);
  const watched = await house.lockkeeper(['watch', open]);
  assert.equal(watched.exitCode, 0, watched.stderr);
});

test('doctor says what is kept, how long, and what cleans it', async () => {
  const { stdout } = await house.lockkeeper(['doctor']);
  for (const kind of ['logs', 'mirrors', 'evaluations', 'closures', 'reports', 'database', 'cleaning'])
    assert.match(stdout, new RegExp(`kept: ${kind}`));
  assert.match(stdout, /lockkeeper prune/);
});

test('without worker and server, old refs go with what they alone kept, and a log that grew is emptied in place', async () => {
  const [mirror] = (await readdir(house.state.mirrors)).map((name) => path.join(house.state.mirrors, name));
  assert.ok(mirror);
  const { keeper } = await house.server();
  for (const { pid } of [await house.worker(), keeper]) {
    process.kill(pid, 'SIGTERM');
    await until(async () => !(await isThere(`/proc/${pid}`)), 15_000);
  }

  const refs = path.join(mirror, 'refs', 'lockkeeper');
  const all = await readdir(refs);
  assert.ok(all.length > 2, all.join(' '));
  const young = all[0] ?? '';
  await age(refs, 60);
  await utimes(path.join(refs, young), new Date(), new Date());
  for (const file of [mirror, path.join(mirror, 'FETCH_HEAD')])
    await utimes(file, new Date(Date.now() - 60 * DAY_MS), new Date(Date.now() - 60 * DAY_MS));
  const usedAt = (await stat(mirror)).mtimeMs;
  assert.equal(
    (await readdir(house.state.closures, { recursive: true })).length,
    4,
    'a repository, a host and two roots',
  );
  await age(house.state.closures, 100);
  await writeFile(house.state.workerLog, 'x'.repeat(11 * 1024 ** 2));

  const result = await prune();
  assert.equal(result.serverAsked, false);
  assert.equal(result.removed.filter(({ kind }) => kind === 'ref').length, all.length - 1);
  assert.equal(result.removed.filter(({ kind }) => kind === 'closure').length, 1);
  assert.equal((await readdir(house.state.closures, { recursive: true })).length, 1);
  assert.deepEqual(
    (await git(mirror, 'for-each-ref', '--format=%(refname)', 'refs/lockkeeper')).trim(),
    `refs/lockkeeper/${young}`,
  );
  await git(mirror, 'fsck', '--connectivity-only');
  assert.ok(Math.abs((await stat(mirror)).mtimeMs - usedAt) < 1000, 'cleaning is no use');
  assert.equal((await stat(house.state.workerLog)).size, 0);
  assert.equal((await readFile(`${house.state.workerLog}.1`)).length, 11 * 1024 ** 2);

  const gone = await prune('--older-than', '50d');
  assert.ok(paths(gone).includes(mirror));
  assert.equal(await isThere(mirror), false);
});

test('after all that, an update works as ever', async () => {
  await fleet.moveInput('beta');
  const { report } = await house.update(fleet.checkout, '--dry-run');
  assert.equal(report.outcome, 'verified');
});

test('a limit below a day, and a folder that no worker ever used, are refused or left alone', async () => {
  const short = await house.lockkeeper(['prune', '--older-than', '5h']);
  assert.equal(short.exitCode, 1);
  assert.match(short.stderr, /at least a day/);
  const folder = path.join(house.root, 'mine');
  await mkdir(path.join(folder, 'reports'), { recursive: true });
  const file = path.join(folder, 'reports', 'tax.json');
  await writeFile(file, '{}');
  await utimes(file, new Date(0), new Date(0));
  assert.deepEqual((await prune('--state-dir', folder)).removed, []);
  assert.ok(await isThere(file));
});
