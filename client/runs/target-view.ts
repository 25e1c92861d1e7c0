import { oneLine, oneName } from '../../model/text/one-line.js';
import { untouched, type TargetProgress } from '../../model/progress/progress.js';
import type { PendingWork } from '../server/activities.js';
import type { UploadHeartbeat } from '../../model/contract/verification.js';
import { formatSize } from '../../model/text/size.js';
import { AT_REST, type TargetView } from '../progress/view.js';

const LINE_BYTES = 200;

/** One target as it is drawn: what the run says of it, and what its activities say between two answers of the run. */
export function targetView(target: TargetProgress, work: PendingWork | undefined): TargetView {
  const base: TargetView = {
    name: oneName(target.name),
    state: target.state,
    system: target.system === null ? null : oneLine(target.system, 60),
    verdict: target.verdict,
    sameAsBase: target.sameAsBase,
    error: target.error === null ? null : oneLine(target.error, 500),
    seconds: target.seconds,
    ...AT_REST,
    plan: target.plan ?? null,
    caches: target.caches === undefined ? null : oneLine(target.caches, 500),
    logPath: null,
  };
  if (target.state === 'done' || work === undefined) return base;
  if (work.step === 'evaluate') {
    const evaluating = work.started && work.heartbeat?.phase !== 'queued';
    // Words as of a build that the machine failed: it waits for its next try.
    if (!work.started && work.again !== null) return { ...base, state: 'queued', error: oneLine(work.again, 500) };
    return { ...base, state: evaluating ? 'evaluating' : 'waiting', startedAt: time(work.heartbeat?.startedAt) };
  }
  if (work.step === 'upload') return { ...base, state: 'uploading', ...uploadView(work.heartbeat) };
  const { heartbeat } = work;
  // A build whose worker went away is still followed from its last heartbeat: it may well go on.
  if (heartbeat === null) return { ...base, state: 'queued' };
  const last = heartbeat.lastLines.at(-1);
  return {
    ...base,
    state: heartbeat.phase,
    startedAt: time(heartbeat.startedAt),
    machine: oneLine(heartbeat.hostName, 60),
    done: heartbeat.done,
    planned: heartbeat.planned,
    plan: heartbeat.plan ?? base.plan,
    estimateSeconds: heartbeat.estimateSeconds,
    lastLine: last === undefined ? null : oneLine(last, LINE_BYTES),
    trouble: heartbeat.trouble === null ? null : oneLine(heartbeat.trouble, LINE_BYTES),
    logPath: heartbeat.logPath === '' ? null : heartbeat.logPath,
  };
}

function uploadView(heartbeat: UploadHeartbeat | null): Partial<TargetView> {
  if (heartbeat === null) return {};
  const { cache, phase, done, planned, bytes, plannedBytes } = heartbeat;
  const seconds = (Date.now() - Date.parse(heartbeat.startedAt)) / 1000;
  const rate =
    phase === 'uploading' && bytes > 0 && seconds >= 1 ? `, ${formatSize(Math.round(bytes / seconds))}/s` : '';
  const far =
    planned === 0 ? '' : `: ${done}/${planned} paths, ${formatSize(bytes)} of ${formatSize(plannedBytes)}${rate}`;
  const doing = { queued: 'waits for other uploads', looking: 'looks what is there', uploading: '' }[phase];
  return {
    startedAt: time(heartbeat.startedAt),
    machine: oneLine(heartbeat.hostName, 60),
    ...{ done, planned },
    lastLine: oneLine(`${cache}${phase === 'uploading' ? far : `: ${doing}`}`, LINE_BYTES),
    logPath: heartbeat.logPath === '' ? null : heartbeat.logPath,
  };
}

/** A target that only the server's list of pending activities knows: no worker has answered for the run yet. */
export const unansweredTarget = (name: string, work: PendingWork): TargetView => targetView(untouched(name), work);

function time(iso: string | undefined): number | null {
  const parsed = Date.parse(iso ?? '');
  return Number.isNaN(parsed) ? null : parsed;
}
