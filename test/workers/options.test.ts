import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { PRUNE_OPTIONS, type PruneOptions } from '../../model/machine/prune-options.js';
import { declareOptions, declareWorkerOptions, type WorkerCommandOptions } from '../../workers/options.js';

async function worker(...words: readonly string[]): Promise<WorkerCommandOptions> {
  const found: WorkerCommandOptions[] = [];
  const command = declareWorkerOptions(new Command(), (options) => Promise.resolve(void found.push(options)));
  await command.parseAsync(words, { from: 'user' });
  const [options] = found;
  assert.ok(options !== undefined);
  return options;
}

const prune = (...words: readonly string[]): PruneOptions =>
  declareOptions(new Command(), PRUNE_OPTIONS).parse(words, { from: 'user' }).opts<PruneOptions>();

test('options of a worker are read by the table that help tells them from', async () => {
  const usual = await worker();
  assert.deepEqual([usual.roles, usual.logFormat], [['coordinator', 'builder', 'agent'], 'text']);
  assert.ok(usual.slots >= 4 && usual.evaluationSlots >= 1);
  assert.equal(usual.allowedCommands, null);
  const asked = await worker(
    ...['--roles', 'builder, agent', '--slots', '3', '--slots', '2', '--state-dir', 'x', '--health-port', '0'],
    ...['--allow-command', 'claude', '--allow-command', '/bin/pi', '--systems', 'x86_64-linux,aarch64-linux'],
  );
  assert.deepEqual(asked.roles, ['builder', 'agent']);
  assert.deepEqual([asked.slots, asked.healthPort, asked.stateDir], [2, 0, `${process.cwd()}/x`]);
  assert.deepEqual(asked.allowedCommands, ['claude', '/bin/pi']);
  assert.deepEqual(asked.systems, ['x86_64-linux', 'aarch64-linux']);
});

test('an option of a worker that cannot be used is refused with a way out', async () => {
  await assert.rejects(worker('--slots', '0'), { message: '--slots "0" is not a whole number from 1 to 1000.' });
  await assert.rejects(worker('--slots', '2x'), { message: '--slots "2x" is not a whole number from 1 to 1000.' });
  await assert.rejects(worker('--roles', 'builder,cook'), /--roles "cook" is not one of coordinator, builder, agent/);
  await assert.rejects(worker('--systems', 'linux'), /--systems "linux" is not a Nix system: give systems such as/);
  await assert.rejects(worker('--allow-command', 'a b'), /--allow-command "a b" is not a command/);
  await assert.rejects(worker('--user-queue', '-x'), /--user-queue "-x" is not a valid account name/);
  await assert.rejects(worker('--log-format', 'xml'), /--log-format "xml" is not one of text, json/);
});

test('options of prune are read in the same way', () => {
  const { olderThan, maxSize, dryRun } = prune('--older-than', '36h', '--max-size', '2G');
  assert.deepEqual([olderThan, maxSize, dryRun], [1.5, 2 * 1024 ** 3, undefined]);
  assert.throws(() => prune('--older-than', '2h'), {
    message: /--older-than "2h" is not a time span of at least a day/,
  });
  assert.throws(() => prune('--max-size', 'much'), { message: /--max-size "much" is not a size/ });
});
