import { appendFile, rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { passingFailure } from '../../model/run/failures.js';
import { launchDetached } from '../command/launcher.js';
import { memoryKills } from '../command/memory-kills.js';
import { writeWhole } from '../../host/files.js';
import { readIdentity, readStart, renewLease, type CommandRecord, type CommandStart } from './record.js';
import { RECORD_VARIABLE } from './session.js';

export interface Supervised {
  /** For people. */
  readonly what: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder that it starts in; default: that of the worker. */
  readonly directory?: string;
  readonly leaseSeconds: number;
}

const SUPERVISOR = fileURLToPath(new URL('../../../activities/supervised/supervisor.sh', import.meta.url));
const CLAIM_MS = 10_000;

/** Starts a command under a supervisor of its own, in a session of its own. Call it under the start lock of the record. */
export async function startSupervised(
  record: CommandRecord,
  { what, command, env, directory, leaseSeconds }: Supervised,
): Promise<void> {
  await noteStart(record, what);
  await renewLease(record, leaseSeconds);
  await launchDetached({
    command: '/bin/sh',
    args: [SUPERVISOR, record.directory, String(Math.ceil(leaseSeconds)), ...command],
    ...(directory === undefined ? {} : { cwd: directory }),
    env: { ...env, [RECORD_VARIABLE]: record.directory },
  });
  await claimed(record);
}

/** Waits until a supervisor has written who it is: from then on it is found, whatever becomes of this process. */
async function claimed(record: CommandRecord): Promise<void> {
  const deadline = Date.now() + CLAIM_MS;
  while ((await readIdentity(record)) === null) {
    if (Date.now() > deadline)
      throw passingFailure('SupervisorFailed', `The supervisor did not start. Is ${record.directory} writable?`);
    await sleep(20);
  }
}

async function noteStart(record: CommandRecord, what: string): Promise<void> {
  const logOffset = await stat(record.log).then(
    ({ size }) => size,
    () => 0,
  );
  const start: CommandStart = {
    startedAt: new Date().toISOString(),
    logOffset,
    memoryKills: await memoryKills(),
  };
  if ((await readStart(record)) !== null && logOffset > 0) {
    await appendFile(record.log, `\n== lockkeeper: the ${what} starts again, ${start.startedAt} ==\n`);
  }
  await rm(record.shortage, { force: true });
  await writeWhole(record.start, JSON.stringify(start));
}
