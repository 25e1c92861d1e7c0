import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '../../activities/command/process.js';
import { createFleet, type Fleet } from '../support/fleet.js';
import { makeCertificates, openFrontDoor, type Certificates, type FrontDoor } from '../support/front-door.js';
import { openHouse, until, type House } from '../support/lockkeeper.js';

const KEY = 'key-of-the-cluster';
const skip = (await run('openssl', ['version'])).exitCode === 0 ? false : 'no openssl on the PATH';

/** A server, and two doors to it: one wants a certificate of the client, the other an API key. */
let cluster: House;
let fleet: Fleet;
let certificates: Certificates;
let doors: { readonly certificate: FrontDoor; readonly key: FrontDoor };
before(async () => {
  if (skip !== false) return;
  [cluster, fleet] = await Promise.all([openHouse(), createFleet({ hosts: [{ name: 'athena' }] })]);
  certificates = await makeCertificates(cluster.root, ['localhost', 'athena', 'stranger']);
  // A worker of the cluster's own would take steps of the runs as well, past the doors.
  await cluster.dev('--roles', 'agent');
  const { address } = await cluster.server();
  const [certificate, key] = await Promise.all([
    openFrontDoor(address, certificates, null),
    openFrontDoor(address, certificates, KEY),
  ]);
  doors = { certificate, key };
});
after(async () => {
  if (skip !== false) return;
  await doors.certificate.close();
  await doors.key.close();
  await cluster.close();
  await fleet.cleanup();
});

interface Profile {
  /** Lines of the profile itself. */
  readonly own?: string;
  /** Name of the certificate that the client shows. */
  readonly shows?: string;
}

/** Writes Temporal's configuration with one profile, and gives the environment that names it. */
async function profile(name: string, door: FrontDoor, { own = '', shows }: Profile): Promise<Record<string, string>> {
  const file = path.join(cluster.root, `${name}.toml`);
  const client =
    shows === undefined
      ? ''
      : `client_cert_path = "${certificates.of(shows).certificate}"\nclient_key_path = "${certificates.of(shows).key}"`;
  await writeFile(
    file,
    `[profile.${name}]\naddress = "${door.address}"\n${own}\n` +
      `[profile.${name}.tls]\nserver_ca_cert_path = "${certificates.authority}"\n${client}\n`,
    { mode: 0o600 },
  );
  return { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: name, LOCKKEEPER_RUN_KEY_FILE: cluster.state.runKey };
}

/** An update through a door, with a worker of its own that goes through it too. */
async function updateThrough(door: FrontDoor, env: Record<string, string>): Promise<void> {
  const house = await openHouse();
  try {
    const worker = house.start(['worker'], { env });
    await until(() => worker.output().includes('the worker is ready'), 30_000, worker.output);
    await fleet.moveInput('alpha');
    const updated = await house.lockkeeper(['update', fleet.checkout, '--dry-run'], { env });
    assert.equal(updated.exitCode, 0, updated.stderr);
    assert.match(updated.stdout, /athena/);
    for (const call of ['StartWorkflowExecution', 'RespondWorkflowTaskCompleted', 'RespondActivityTaskCompleted']) {
      assert.ok(door.calls.has(call), `${call} is not among ${[...door.calls].join(', ')}`);
    }
    const doctor = await house.lockkeeper(['doctor'], { env });
    assert.match(doctor.stdout, new RegExp(door.address));
    assert.doesNotMatch(doctor.stdout + doctor.stderr + worker.output() + updated.stderr, new RegExp(KEY));
  } finally {
    await house.close();
  }
}

test('a profile with certificates is what command and worker show to a server', { skip }, async () => {
  await updateThrough(doors.certificate, await profile('certificates', doors.certificate, { shows: 'athena' }));
});

test('a profile with an API key is what command and worker show to a server', { skip }, async () => {
  await updateThrough(doors.key, await profile('key', doors.key, { own: `api_key = "${KEY}"` }));
});

test('a wrong key, no certificate, or an unknown authority is one message without secrets', { skip }, async () => {
  const wrong: readonly [string, Record<string, string>, RegExp, RegExp][] = [
    [
      'a wrong key',
      await profile('wrong', doors.key, { own: 'api_key = "another-key"' }),
      /do not accept each other: .*Request unauthorized\.\)\. Check the API key and the certificates/,
      /it refuses this API key or certificate/,
    ],
    [
      'no certificate',
      await profile('bare', doors.certificate, {}),
      /do not accept each other: tlsv13 alert certificate required\./,
      /it ends the connection, as one does that wants a certificate/,
    ],
    [
      'an unknown authority',
      { TEMPORAL_ADDRESS: doors.key.address, TEMPORAL_API_KEY: KEY },
      /do not accept each other: self-signed certificate in certificate chain\./,
      /its certificate is not accepted: UnknownIssuer/,
    ],
  ];
  const house = await openHouse();
  try {
    for (const [what, env, ofCommand, ofWorker] of wrong) {
      const [command, worker] = await Promise.all([
        house.lockkeeper(['list'], { env }),
        house.lockkeeper(['worker'], { env }),
      ]);
      for (const [{ exitCode, stderr, stdout }, words] of [
        [command, ofCommand],
        [worker, ofWorker],
      ] as const) {
        assert.equal(exitCode, 1, what);
        assert.match(stderr, words, what);
        assert.doesNotMatch(stderr + stdout, new RegExp(`another-key|${KEY}`), what);
      }
    }
  } finally {
    await house.close();
  }
});
