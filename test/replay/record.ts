/**
 * `npm run record-histories`: runs real updates and keeps their histories in `test/replay/<version>/`, for
 * `replay.test.ts`. By hand, once a version: histories of earlier versions stay, because their runs may still be open. With
 * names of scenarios (`npm run record-histories -- record`) the others stay as well.
 */
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../activities/command/process.js';
import { instanceRecordId } from '../../model/run/ids.js';
import { BUILT_OUTSIDE, writeAgent } from '../support/agent.js';
import { createFleet, type Fleet, type HostSpec } from '../support/fleet.js';
import { openHouse, until, type House } from '../support/lockkeeper.js';
import { connectTo, runInPhase } from '../support/runs.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

interface Scenario {
  readonly name: string;
  readonly hosts: readonly HostSpec[];
  /** Goes through one run and gives its id when it is closed. */
  readonly play: (house: House, fleet: Fleet) => Promise<string>;
}

const building = (fleet: Fleet): Promise<void> => until(async () => (await fleet.buildsOf('athena')) > 0, 60_000);
const latest = async (house: House): Promise<string> => {
  const { stdout } = await house.lockkeeper(['list', '--limit', '1', '--json']);
  const [newest] = JSON.parse(stdout) as { readonly run: string }[];
  return newest?.run ?? '';
};
const slow: readonly HostSpec[] = [{ name: 'athena', seconds: 4 }, { name: 'rhea' }];

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'landed',
    hosts: [{ name: 'athena' }, { name: 'rhea' }],
    play: async (house, fleet) => (await house.update(fleet.checkout)).report.run,
  },
  {
    name: 'broken',
    hosts: [{ name: 'athena' }, { name: 'rhea', fail: 'build' }, { name: 'kyushu', fail: 'eval' }],
    play: async (house, fleet) => (await house.update(fleet.checkout)).report.run,
  },
  {
    name: 'held-back',
    hosts: [{ name: 'athena', input: 'beta' }, { name: 'rhea', brokenBy: [['alpha']] }],
    play: async (house, fleet) => {
      await fleet.moveInput('beta');
      return (await house.update(fleet.checkout)).report.run;
    },
  },
  {
    name: 'mended',
    hosts: [{ name: 'athena', input: 'beta' }, { name: 'rhea', brokenBy: [['alpha']] }],
    play: async (house, fleet) => {
      const agent = await writeAgent(house.root);
      return (await house.update(fleet.checkout, '--autofix', agent, '--autofix-arg', 'fix-second', ...BUILT_OUTSIDE)).report.run;
    },
  },
  {
    name: 'approval',
    hosts: [{ name: 'athena' }],
    play: async (house, fleet) => {
      await house.dev();
      const client = await connectTo(house);
      const update = house.start(['update', fleet.checkout, '--approve']);
      const progress = await runInPhase(client, 'waiting-for-approval', update);
      await house.lockkeeper(['approve', progress.run]);
      await update.ended;
      await client.connection.close();
      return progress.run;
    },
  },
  {
    name: 'carry-over',
    hosts: slow,
    play: async (house, fleet) => {
      const update = house.update(fleet.checkout, '--land', 'merge');
      await building(fleet);
      await fleet.pushToMain({ 'NOTES.md': 'by a colleague\n' });
      return (await update).report.run;
    },
  },
  {
    name: 'cancelled',
    hosts: slow,
    play: async (house, fleet) => {
      const update = house.start(['update', fleet.checkout]);
      await building(fleet);
      const name = await latest(house);
      await house.lockkeeper(['cancel', name]);
      await update.ended;
      return name;
    },
  },
  {
    name: 'worker-lost',
    hosts: slow,
    play: async (house, fleet) => {
      const update = house.start(['update', fleet.checkout]);
      await building(fleet);
      process.kill((await house.worker()).pid, 'SIGKILL');
      await update.ended;
      return await latest(house);
    },
  },
  {
    name: 'superseded',
    hosts: [{ name: 'athena' }],
    play: async (house, fleet) => {
      const file = join(house.root, 'lockkeeper.json');
      const asks = { repoPath: fleet.checkout, overlap: 'supersede', approval: { enable: true } };
      await writeFile(file, JSON.stringify({ instances: { asks } }));
      await house.dev();
      const client = await connectTo(house);
      const command = ['run', 'asks', '--watch', '--config', file];
      const older = house.start(command);
      const first = await runInPhase(client, 'waiting-for-approval', older);
      const newer = house.start(command);
      await older.ended;
      const second = await runInPhase(client, 'waiting-for-approval', newer, [first.run]);
      await house.lockkeeper(['approve', second.run, '--yes']);
      await newer.ended;
      await client.connection.close();
      return first.run;
    },
  },
  {
    name: 'superseding',
    hosts: [{ name: 'athena' }],
    play: async (house, fleet) => {
      const file = join(house.root, 'lockkeeper.json');
      const plain = { repoPath: fleet.checkout, overlap: 'supersede' };
      await writeFile(file, JSON.stringify({ instances: { plain } }));
      await house.lockkeeper(['run', 'plain', '--watch', '--config', file]);
      return await latest(house);
    },
  },
  {
    name: 'record',
    hosts: [{ name: 'athena' }],
    play: async (house, fleet) => {
      const file = join(house.root, 'lockkeeper.json');
      await writeFile(file, JSON.stringify({ instances: { daily: { repoPath: fleet.checkout } } }));
      for (const time of ['first', 'second'])
        process.stdout.write(`${time}: ${(await house.lockkeeper(['run', 'daily', '--watch', '--config', file])).stdout}`);
      return instanceRecordId('daily', null);
    },
  },
];

/** History of one workflow as Temporal's own command writes it, without the names of this machine and its user. */
async function history(address: string, workflowId: string): Promise<string> {
  const args = ['workflow', 'show', '--address', address, '--workflow-id', workflowId];
  const cli = process.env.TEMPORAL_CLI ?? 'temporal';
  const shown = await run(cli, [...args, '--output', 'json', '--no-json-shorthand-payloads']);
  if (shown.exitCode !== 0) throw new Error(`temporal workflow show: ${shown.stderr}`);
  return JSON.stringify(JSON.parse(shown.stdout, withoutMachine));
}

/** Texts are changed inside payloads too, which are base64 in a field `data`. */
function withoutMachine(key: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (key !== 'data') return anonymous(value);
  const text = Buffer.from(value, 'base64').toString('utf8');
  return Buffer.from(anonymous(text), 'utf8').toString('base64');
}

const anonymous = (text: string): string =>
  text
    .replaceAll(hostname(), 'machine')
    .replaceAll(`${userInfo().username}@`, 'person@')
    .replaceAll(ROOT, '/lockkeeper/');

async function record(scenario: Scenario, folder: string): Promise<void> {
  const house = await openHouse();
  const fleet = await createFleet({ hosts: scenario.hosts });
  try {
    await fleet.moveInput('alpha');
    const name = await scenario.play(house, fleet);
    // Starts the server again if it went with the last command.
    await house.lockkeeper(['list']);
    const client = await connectTo(house);
    const { address } = await house.server();
    const children: string[] = [];
    const query = 'WorkflowType IN ("verifyCandidate", "holdBack", "fixTarget")';
    for await (const { workflowId } of client.workflow.list({ query })) children.push(workflowId);
    await client.connection.close();
    const kept = [name, ...children.sort()];
    for (const [index, workflowId] of kept.entries()) {
      const file = join(folder, `${scenario.name}${index === 0 ? '' : `-child-${index}`}.json`);
      await writeFile(file, `${await history(address, workflowId)}\n`);
    }
    process.stdout.write(`${scenario.name}: ${kept.join(', ')}\n`);
  } finally {
    await house.close();
    await fleet.cleanup();
  }
}

const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string };
const folder = join(ROOT, 'test', 'replay', version);
await mkdir(folder, { recursive: true });
const named = process.argv.slice(2);
if (named.length === 0) for (const old of await readdir(folder)) await rm(join(folder, old));
for (const scenario of SCENARIOS)
  if (named.length === 0 || named.includes(scenario.name)) await record(scenario, folder);
