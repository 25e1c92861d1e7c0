import { ActivityCancellationType, isCancellation, proxyActivities, sleep } from '@temporalio/workflow';
import { cacheName } from '../../model/caches/name.js';
import type { CacheOutcome } from '../../model/caches/outcome.js';
import type { Cache } from '../../model/caches/types.js';
import type { MachineActivities } from '../../model/contract/activities.js';
import type { UploadInput, UploadResult } from '../../model/contract/verification.js';
import { UPLOADS } from '../../model/run/defaults.js';
import { uploadActivityId } from '../../model/progress/progress.js';
import { machineQueue } from '../../model/run/queues.js';
import { isFlakeTarget, targetLabel, type FlakeTarget } from '../../model/targets/index.js';
import type { Verdict } from '../../model/verify/verdict.js';
import type { VerifyInput } from '../../model/verify/verification.js';
import { rootCause } from '../calls/failures.js';
import { ownQueue } from '../calls/own-queue.js';
import { HEARTBEAT_SECONDS } from '../calls/stay-with-machine.js';

/** Pauses between tries of an upload, in seconds: a cache that is down for longer is reported. */
const PAUSES: readonly number[] = [2, 5, 15, 60];

/** Longest time of one try, all attempts to follow it included. */
const LIMIT = '24 hours';

/** Told what an upload waits for; `null` while it goes on. */
type Told = (waitsFor: string | null) => Promise<void>;

/**
 * Uploads what a target is built to, as soon as it is, to one cache after the other, on the machine that built it; of a broken one, if
 * that is asked for, what is finished of it. A cache that fails is an answer: nothing of the run depends on it.
 * @returns what became of each; nothing where nothing is to be uploaded
 */
export async function uploadTo(
  input: VerifyInput,
  building: Promise<Verdict>,
  told: Told,
): Promise<Pick<Verdict, 'caches'>> {
  const { caches } = input;
  if (caches === undefined) return {};
  const { verdict, target, machine, outPath, drvPath } = await building;
  if (!isFlakeTarget(target) || machine === null || outPath === null || drvPath === null) return {};
  const isBroken = verdict === 'build-failed' && input.uploadBroken === true;
  if (verdict !== 'built' && !isBroken) return {};
  const content = { outPath, ...(isBroken && { brokenDrv: drvPath }) };
  await told(null);
  const outcomes: CacheOutcome[] = [];
  for (const [index, cache] of caches.entries())
    outcomes.push(
      await patiently(cache, told, (round) => upload(input, { target, cache, machine, content }, [index, round])),
    );
  return { caches: outcomes };
}

/** Tries again with growing pauses what another try may cure. */
async function patiently(
  { to, required }: Cache,
  told: Told,
  attempt: (round: number) => Promise<UploadResult>,
): Promise<CacheOutcome> {
  let tries = 0;
  let paths = 0;
  for (let round = 1; ; round++) {
    const { again, ...outcome } = await attempt(round).catch((error: unknown): UploadResult => {
      if (isCancellation(error)) throw error;
      return notUploaded(cacheName(to), required, rootCause(error).message);
    });
    // What gets on is not given up.
    tries = outcome.paths > paths ? 0 : tries;
    paths = Math.max(paths, outcome.paths);
    const pause = PAUSES[tries];
    if (again === undefined || pause === undefined) return outcome;
    tries += 1;
    const why = `upload to ${outcome.cache} is tried again in ${pause} s: ${outcome.reason ?? ''}`;
    await told(why);
    await sleep(pause * 1000, { summary: why.slice(0, 200) });
    await told(null);
  }
}

const notUploaded = (cache: string, required: boolean, reason: string): UploadResult => ({
  ...{ cache, required, outcome: 'failed', reason },
  ...{ paths: 0, bytes: 0, seconds: 0, machine: null, logPath: null },
});

interface Uploaded {
  readonly target: FlakeTarget;
  readonly cache: Cache;
  readonly machine: string;
  readonly content: Pick<UploadInput, 'outPath' | 'brokenDrv'>;
}

function upload(
  { run, candidate, nix, takeoverSeconds, uploads = UPLOADS }: VerifyInput,
  { target, cache, machine, content }: Uploaded,
  [index, round]: readonly [cache: number, round: number],
): Promise<UploadResult> {
  const label = targetLabel(target);
  const { uploadClosure } = proxyActivities<MachineActivities>({
    taskQueue: ownQueue(machineQueue(machine)),
    activityId: uploadActivityId(label, index, round),
    summary: `upload ${label} to ${cacheName(cache.to)}`,
    // Only that machine has it.
    scheduleToStartTimeout: takeoverSeconds * 1000,
    scheduleToCloseTimeout: LIMIT,
    heartbeatTimeout: `${HEARTBEAT_SECONDS} seconds`,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    // Tries that the cache failed are counted above: these are losses of workers, which find the upload going on.
    retry: {
      initialInterval: '1 second',
      maximumInterval: '1 minute',
      maximumAttempts: 50,
      nonRetryableErrorTypes: ['NotFoundError'],
    },
  });
  return uploadClosure({ run, head: candidate.head, target, ...content, cache, nix, takeoverSeconds, uploads });
}
