import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { withEvaluator } from '../support/evaluator.js';
import { withMovedFleet, type Fleet, type HostSpec } from '../support/fleet.js';
import { HUNGER_MB } from '../support/fleet-flake.js';
import { until, withHouse, type Running } from '../support/lockkeeper.js';
import { memoryCgroup, type MemoryCgroup } from '../support/memory-cgroup.js';
import { withStandIn } from '../support/stand-in.js';
import type { Scope } from '../support/scope.js';

const cgroup = await memoryCgroup();
const skip = typeof cgroup === 'string' ? cgroup : false;
after(() => (typeof cgroup === 'string' ? undefined : cgroup.remove()));

/** Has one of Nix's commands run with less memory than hungry hosts take. */
async function shortOfMemory(command: string, body: (cgroup: MemoryCgroup) => Promise<void>): Promise<void> {
  if (typeof cgroup === 'string') return;
  await withStandIn(command, `${cgroup.enter}\nexec ${command} "$@"`, async () => {
    await cgroup.limit(HUNGER_MB / 2);
    await body(cgroup);
  });
}

async function updating(scope: Scope, host: HostSpec): Promise<readonly [Running, Fleet]> {
  const fleet = await withMovedFleet(scope, { hosts: [host] }, ['alpha']);
  const house = await withHouse(scope);
  return [house.start(['update', fleet.checkout, '--json']), fleet];
}

for (const { step, command, builds } of [
  { step: 'build', command: 'nix-store', builds: 2 },
  { step: 'eval', command: 'nix-instantiate', builds: 1 },
] as const)
  test(
    `a host whose ${step} the kernel kills for memory is tried again, says so, and lands once there is memory`,
    { skip },
    (t) =>
      shortOfMemory(command, async ({ limit, kills }) => {
        const [running, fleet] = await updating(t, { name: 'athena', hungryIn: step });
        const before = await kills();
        await until(() => /athena: .*out of memory/.test(running.output()), 60_000, running.output);
        assert.ok((await kills()) > before, 'the kernel killed it');
        await limit(16 * HUNGER_MB);
        assert.equal((await running.report()).outcome, 'landed');
        assert.ok((await fleet.buildsOf('athena')) >= builds);
      }),
  );

test(
  'a host that there was never memory to evaluate is skipped: that nothing broke it says nothing for base either',
  { skip },
  () =>
    shortOfMemory('nix-instantiate', () =>
      withEvaluator({ hosts: [{ name: 'athena', hungryIn: 'eval' }] }, async ({ main, evaluate }) => {
        const head = await main();
        const candidate = { base: head, head, bundle: '' };
        await assert.rejects(evaluate(candidate, 'athena', {}, 7), /out of memory, the kernel killed it/);
        const last = await evaluate(candidate, 'athena', {}, 8);
        assert.equal(last.kind, 'failed');
        assert.equal(last.verdict.verdict, 'skipped');
        assert.equal(last.verdict.error, 'the machine failed: out of memory, the kernel killed it');
      }),
    ),
);
