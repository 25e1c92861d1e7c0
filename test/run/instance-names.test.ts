import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withMovedFleet } from '../support/fleet.js';
import { writeInstances } from '../support/instances.js';
import { runInPhase, withServedHouse } from '../support/runs.js';

/** An instance whose name looks like what ids of its children are made of. */
const INSTANCE = 'x-verify-y';

test(`an instance called ${INSTANCE} is scheduled, run, looked at, approved and tidied up`, async (t) => {
  const { house, client } = await withServedHouse(t);
  const fleet = await withMovedFleet(t, {
    inputs: ['alpha', 'gamma'],
    hosts: [{ name: 'web-fix-1', brokenBy: [['gamma']] }],
  });
  const succeeds = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await house.lockkeeper(args);
    assert.equal(exitCode, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const toml = `approval = { enable = true }\n[instances.${INSTANCE}]\nschedule = "yearly"\n`;
  const config = await writeInstances(house, fleet, undefined, 'names', toml);

  await succeeds('apply', ...config);
  assert.match(await succeeds('schedules'), new RegExp(`^${INSTANCE} `, 'm'));

  const running = house.start(['run', INSTANCE, '--watch', '--json', ...config]);
  const { run, heldBack, targets } = await runInPhase(client, 'waiting-for-approval', running);
  assert.match(run, /^x-verify-y-[\w.-]+-\d{8}-\d{6}$/);
  assert.deepEqual(
    [heldBack?.map(({ input }) => input), targets.map(({ name, verdict }) => `${name} ${verdict ?? ''}`)],
    [['gamma'], ['web-fix-1 built']],
  );
  assert.match(await succeeds('status', INSTANCE), /web-fix-1/, 'a beginning of the id is enough');
  assert.match(await succeeds('logs', run, 'web-fix-1'), /option boot\.loader of web-fix-1 is gone/);
  assert.doesNotMatch(await succeeds('logs', run, 'web-fix-1', '--final'), /is gone/);
  assert.match(await succeeds('list'), new RegExp(run));
  const doctor = await house.lockkeeper(['doctor']);
  assert.doesNotMatch(doctor.stdout + doctor.stderr, new RegExp(`FAIL.*${INSTANCE}`));

  await succeeds('approve', run);
  assert.equal(await running.ended, 0, running.output());
  assert.match(await succeeds('report', run), /gamma/);
  assert.match(await succeeds('watch', run, '--json'), /"outcome": ?"landed"/);
  assert.match(await succeeds('logs', run, 'web-fix-1'), /is gone/);
  await succeeds('prune', '--older-than', '1d');
});
