import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { suite, test } from 'node:test';
import { run } from '../../activities/command/process.js';
import { withFleet, type Fleet } from '../support/fleet.js';
import { makeCertificates, openFrontDoor, type Certificates, type FrontDoor } from '../support/front-door.js';
import { until, withHouse, type House } from '../support/lockkeeper.js';
import { withServedHouse } from '../support/runs.js';
import { atEndOf, wholeFile, type Scope } from '../support/scope.js';

const KEY = 'key-of-the-cluster';
const skip = (await run('openssl', ['version'])).exitCode === 0 ? false : 'no openssl on the PATH';

/** A server, and two doors to it: one wants a certificate of the client, the other an API key. */
interface Cluster {
  readonly house: House;
  readonly fleet: Fleet;
  readonly certificates: Certificates;
  /** Two doors to its server: one wants a certificate of the client, the other an API key. */
  readonly doors: { readonly certificate: FrontDoor; readonly key: FrontDoor };
}

async function openCluster(): Promise<Cluster> {
  const fleet = await withFleet(wholeFile, { hosts: [{ name: 'athena' }] });
  // A worker of the cluster's own would take steps of the runs as well, past the doors.
  const { house } = await withServedHouse(wholeFile, '--roles', 'agent');
  const certificates = await makeCertificates(house.root, ['localhost', 'athena', 'stranger']);
  const { address } = await house.server();
  const certificate = await openFrontDoor(address, certificates, null);
  atEndOf(wholeFile, () => certificate.close());
  const key = await openFrontDoor(address, certificates, KEY);
  atEndOf(wholeFile, () => key.close());
  return { house, fleet, certificates, doors: { certificate, key } };
}

interface Profile {
  /** Lines of the profile itself. */
  readonly own?: string;
  /** Name of the certificate that the client shows. */
  readonly shows?: string;
}

/** Writes Temporal's configuration with one profile, and gives the environment that names it. */
async function profile(
  { house, certificates }: Cluster,
  name: string,
  door: FrontDoor,
  { own = '', shows }: Profile,
): Promise<Record<string, string>> {
  const file = path.join(house.root, `${name}.toml`);
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
  return { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: name, LOCKKEEPER_RUN_KEY_FILE: house.state.runKey };
}

/** An update through a door, with a worker of its own that goes through it too. */
async function updateThrough(scope: Scope, fleet: Fleet, door: FrontDoor, env: Record<string, string>): Promise<void> {
  const house = await withHouse(scope);
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
}

suite('a server that wants to know who asks', { skip }, async () => {
  const cluster = await openCluster();
  const { fleet, doors } = cluster;

  test('a profile with certificates is what command and worker show to a server', async (t) => {
    const env = await profile(cluster, 'certificates', doors.certificate, { shows: 'athena' });
    await updateThrough(t, fleet, doors.certificate, env);
  });

  test('a profile with an API key is what command and worker show to a server', async (t) => {
    const env = await profile(cluster, 'key', doors.key, { own: `api_key = "${KEY}"` });
    await updateThrough(t, fleet, doors.key, env);
  });

  test('a wrong key, no certificate, or an unknown authority is one message without secrets', async (t) => {
    const wrong: readonly [string, Record<string, string>, RegExp, RegExp][] = [
      [
        'a wrong key',
        await profile(cluster, 'wrong', doors.key, { own: 'api_key = "another-key"' }),
        /do not accept each other: .*Request unauthorized\.\)\. Check the API key and the certificates/,
        /it refuses this API key or certificate/,
      ],
      [
        'no certificate',
        await profile(cluster, 'bare', doors.certificate, {}),
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
    const house = await withHouse(t);
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
  });
});
