import { sizeOf } from '../../model/closure/compare-closures.js';
import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { finishedParts } from '../../model/caches/finished.js';
import { cacheName } from '../../model/caches/name.js';
import type { Cache } from '../../model/caches/types.js';
import { readPathInfo, type PathInfo } from '../../model/closure/path-info.js';
import type { MachineActivities } from '../../model/contract/activities.js';
import type { UploadHeartbeat, UploadInput, UploadResult } from '../../model/contract/verification.js';
import { formatSeconds } from '../../model/text/text.js';
import { inBatches } from '../../model/nix/batches.js';
import { uploadDirectory } from '../../model/machine/record-directory.js';
import { hasFields, readJson, writeWhole } from '../../host/files.js';
import { slots } from '../../host/slots.js';
import { launch } from '../command/launcher.js';
import type { ActivityEnvironment } from '../environment.js';
import { nixErrorMessage } from '../../host/nix/error-message.js';
import { pathInfo, storedOutputs } from '../nix/commands.js';
import { runNix } from '../nix/run-nix.js';
import { nixVersion } from '../nix/version.js';
import { follow } from '../supervised/follow.js';
import { linesOf, readEnd } from '../supervised/log.js';
import { openRecord, readStart, type CommandRecord } from '../supervised/record.js';
import { endCommand } from '../supervised/session.js';
import { withStartLock } from '../supervised/start-lock.js';
import { startSupervised } from '../supervised/start.js';
import { forgetEnd, observe } from '../supervised/state.js';
import { whileFollowing, type Report } from '../supervised/while-following.js';
import { CacheFault } from '../../host/caches/fault.js';
import { copiedByNix } from '../../host/caches/copied.js';
import type { Asking } from '../../host/caches/types.js';
import { handlerOf, keysOf, lookAt, type PathFault, type PathFaults } from '../../host/caches/shelf.js';
import { seenInRun } from './seen.js';

/** How long a program may say nothing. Of what Nix copies the servers are timed by Nix itself, which says nothing within a path. */
const LONGEST_SILENCE_MS = 30 * 60_000;

const inSlot = slots();

/**
 * Makes the activity that uploads the closure of a target which this machine built. It looks at the cache first, lets Nix do
 * what is missing, and looks again: what Nix says is not believed. The command belongs to its record, as a build does: it
 * outlives its worker, and a repeat follows it while it runs.
 * @param silenceMs how long a program other than Nix may say nothing before it is ended
 */
export const createUploadClosure =
  (env: ActivityEnvironment, silenceMs = LONGEST_SILENCE_MS): MachineActivities['uploadClosure'] =>
  (input) => {
    const { run, head, target, cache } = input;
    const folder = uploadDirectory(env.state, { run, head, target, cache: cacheName(cache.to) });
    return whileFollowing<UploadHeartbeat, UploadResult>({
      firstBeat: {
        ...{ machine: env.machine, hostName: env.hostName, phase: 'queued', cache: cacheName(cache.to) },
        startedAt: new Date(activityInfo().currentAttemptScheduledTimestampMs).toISOString(),
        ...{ done: 0, planned: 0, bytes: 0, plannedBytes: 0, logPath: '' },
      },
      open: () => openRecord(folder, { run, namespace: activityInfo().namespace, head, target }),
      known: (record) => readJson(record.verdict, hasFields<UploadResult>('cache', 'outcome')),
      follow: async (record, report) => {
        const upload: Upload = { input, record, report, machine: env.machine, silenceMs };
        // One that goes on already takes no other one's place.
        if ((await observe(record)).kind === 'running') return await answered(upload);
        return await inSlot(input.uploads, cancellationSignal(), () => answered(upload));
      },
      tidy: async () => {
        await rm(clientCache(folder), { recursive: true, force: true });
      },
    });
  };

interface Upload {
  readonly input: UploadInput;
  readonly record: CommandRecord;
  readonly report: Report<UploadHeartbeat>;
  readonly machine: string;
  readonly silenceMs: number;
}

const clientCache = (folder: string): string => path.join(folder, 'client-cache');

/** What became of it. An answer that another try cannot change is kept; for another one the end of the command is forgotten. */
async function answered(upload: Upload): Promise<UploadResult> {
  const { record, input } = upload;
  let content: Content = { roots: [], paths: [] };
  try {
    content = await contentOf(input);
    const gained = await fill(upload, content);
    const found = await resultOf(upload, content.paths, { gained, fault: null });
    await writeWhole(record.verdict, JSON.stringify(found));
    return found;
  } catch (error) {
    if (!(error instanceof CacheFault)) throw error;
    await withStartLock(record.directory, async () => {
      if ((await observe(record)).kind === 'ended') await forgetEnd(record);
    });
    return await resultOf(upload, content.paths, { gained: [], fault: error });
  }
}

async function resultOf(
  { input, record, machine }: Upload,
  paths: readonly PathInfo[],
  { gained, fault }: { readonly gained: readonly string[]; readonly fault: CacheFault | null },
): Promise<UploadResult> {
  const { to, required } = input.cache;
  const start = await readStart(record);
  const copied = new Set(start === null ? [] : [...gained, ...(await copiedPaths(record.log, input.cache))]);
  return {
    ...{ cache: cacheName(to), required },
    outcome: fault !== null ? 'failed' : start === null ? 'nothing-to-do' : 'uploaded',
    reason: fault?.message ?? null,
    paths: copied.size,
    bytes: sizeOf(paths.filter((info) => copied.has(info.path))),
    seconds: start === null ? 0 : Math.round((Date.now() - Date.parse(start.startedAt)) / 100) / 10,
    machine,
    logPath: start === null ? null : record.log,
    ...(fault?.passes === true && { again: true }),
  };
}

/** All paths that a log says were copied. */
async function copiedPaths(log: string, cache: Cache): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for await (const line of linesOf(log, 0)) {
    const path = handlerOf(cache).copied(line);
    if (path !== null) found.add(path);
  }
  return found;
}

interface Content {
  /** Paths that are named to the command. */
  readonly roots: readonly string[];
  /** Their closures. */
  readonly paths: readonly PathInfo[];
}

/** @throws CacheFault when the store of this machine does not have it any more */
async function contentOf({ outPath, brokenDrv }: UploadInput): Promise<Content> {
  const roots = brokenDrv === undefined ? [outPath] : finishedParts(await outputsBelow(brokenDrv));
  return { roots, paths: await infosOf(roots, 'closure') };
}

/** The outputs below a derivation that are in the store. */
async function outputsBelow(drvPath: string): Promise<readonly PathInfo[]> {
  const outputs = await runNix('nix-store', storedOutputs(drvPath), { signal: cancellationSignal(), background: true });
  if (outputs.exitCode !== 0) throw unreadable(outputs.stderr);
  const paths = outputs.stdout.split('\n').filter((line) => line.startsWith('/') && !line.endsWith('.drv'));
  return await infosOf(paths, 'alone');
}

async function infosOf(paths: readonly string[], which: 'closure' | 'alone'): Promise<readonly PathInfo[]> {
  const found = new Map<string, PathInfo>();
  for (const some of inBatches(paths)) {
    const asked = await runNix('nix', pathInfo(some, which), { signal: cancellationSignal(), background: true });
    if (asked.exitCode !== 0) throw unreadable(asked.stderr);
    for (const info of readPathInfo(asked.stdout)) found.set(info.path, info);
  }
  return [...found.values()];
}

const unreadable = (stderr: string): CacheFault =>
  new CacheFault(`the builder cannot read the closure: ${nixErrorMessage(stderr)}`, true);

/** What Nix can be asked to do about paths that a host could not fetch. */
type Step = 'copy' | 'sign';

/**
 * Looks, does what helps, and looks again, until nothing is missing.
 * @returns what was missing, where the command does not say what it copies
 * @throws CacheFault when something is and nothing helps
 */
async function fill(upload: Upload, { roots, paths }: Content): Promise<readonly string[]> {
  const { input, record, report } = upload;
  const signal = cancellationSignal();
  const keys = await keysOf(input.cache);
  const seen = seenInRun(input.run, input.cache.to);
  const handler = handlerOf(input.cache);
  const batches = inBatches(roots);
  const done = { copy: 0, sign: 0 };
  let gained: readonly string[] | null = null;
  for (;;) {
    signal.throwIfAborted();
    const state = await observe(record);
    if (state.kind === 'running') await followCommand(upload, paths);
    report({ phase: 'looking' });
    // A client cache of Nix that is used again would remember what has gone meanwhile.
    await rm(clientCache(record.directory), { recursive: true, force: true });
    const asking = { signal, nix: input.nix, clientCache: clientCache(record.directory), ask: askInBackground };
    const looked = seen.unseen(paths);
    const faults = await lookAt(input.cache, looked, keys, asking);
    seen.note(looked.filter((info) => !faults.has(info)));
    gained ??= handler.copied === copiedByNix ? [] : [...faults.keys()].map((info) => info.path);
    if (faults.size === 0) return gained;
    const step = nextStep(faults, input.cache.secretKeyFile !== undefined && handler.sign !== undefined);
    const batch = step === null ? undefined : batches[done[step]];
    if (step === null || batch === undefined) throw new CacheFault(faultWords(faults, paths.length), step !== null);
    await forgetArchives(upload, faults);
    if ((await begin(upload, step, batch)) && (await followCommand(upload, [...faults.keys()]))) done[step] += 1;
  }
}

const askInBackground: Asking['ask'] = (args, options) => launch('nix', args, { ...options, background: true });

function nextStep(faults: PathFaults, canSign: boolean): Step | null {
  const kinds = new Set(faults.values());
  if (kinds.has('missing') || kinds.has('archive-missing')) return 'copy';
  return kinds.has('unsigned') && canSign ? 'sign' : null;
}

/** Nix takes a path for uploaded whose narinfo is there, and an archive for whole that is. */
async function forgetArchives({ input }: Upload, faults: PathFaults): Promise<void> {
  const gone = [...faults].filter(([, fault]) => fault === 'archive-missing').map(([info]) => info);
  await handlerOf(input.cache).forget?.(input.cache, gone, cancellationSignal());
}

/** @returns whether a command was started here: not where another attempt did it first */
async function begin({ input, record }: Upload, step: Step, roots: readonly string[]): Promise<boolean> {
  const { cache, nix, takeoverSeconds } = input;
  const version = await nixVersion();
  const { upload, sign = upload } = handlerOf(cache);
  return await withStartLock(record.directory, async () => {
    if ((await observe(record)).kind === 'running') return false;
    await forgetEnd(record);
    const using = { nix, version, clientCache: clientCache(record.directory) };
    await startSupervised(record, {
      what: 'upload',
      ...(await (step === 'sign' ? sign : upload)(cache, roots, using)),
      leaseSeconds: takeoverSeconds,
    });
    return true;
  });
}

/**
 * Follows the command to its end.
 * @param planned what it copies at most
 * @returns whether it ended well; not when it was lost, or ended because nobody followed it
 * @throws CacheFault with what Nix says, and when a program had to be ended because it said nothing for too long
 */
async function followCommand(
  { input, record, report, silenceMs }: Upload,
  planned: readonly PathInfo[],
): Promise<boolean> {
  const limit = handlerOf(input.cache).copied === copiedByNix ? Infinity : silenceMs;
  const tooQuiet = new AbortController();
  let [logBytes, grewAt] = [-1, 0];
  const sizes = new Map(planned.map((info) => [info.path, info.narSize]));
  const copied = new Set<string>();
  report({ phase: 'uploading', logPath: record.log, planned: sizes.size, plannedBytes: sizeOf(planned) });
  const status = await follow(record, {
    leaseSeconds: input.takeoverSeconds,
    signal: AbortSignal.any([cancellationSignal(), tooQuiet.signal]),
    onLines: (lines) => {
      for (const line of lines) {
        const path = handlerOf(input.cache).copied(line);
        if (path !== null && sizes.has(path)) copied.add(path);
      }
    },
    onProgress: ({ bytes: grown }, startedAt) => {
      if (grown !== logBytes) [logBytes, grewAt] = [grown, performance.now()];
      else if (performance.now() - grewAt > limit) tooQuiet.abort();
      const bytes = [...copied].reduce((sum, path) => sum + (sizes.get(path) ?? 0), 0);
      report({ startedAt, done: copied.size, bytes });
    },
  }).catch(async (error: unknown) => {
    if (cancellationSignal().aborted || !tooQuiet.signal.aborted) throw error;
    await endCommand(record);
    throw new CacheFault(`the upload said nothing for ${formatSeconds(limit / 1000)}, and was ended`, true);
  });
  if (status?.kind !== 'exit') return false;
  if (status.code === 0) return true;
  const end = await readEnd(record.log, MESSAGE_BYTES);
  const message = nixErrorMessage(end);
  // Of a server that refuses the first file Nix says no more than that.
  const refusal = message.includes('HTTP error') ? undefined : REFUSAL.exec(end)?.[0];
  const why = refusal === undefined ? message : `${message}: ${refusal}`;
  throw new CacheFault(why, !FOR_GOOD.test(why));
}

const MESSAGE_BYTES = 16 * 1024;
const REFUSAL = /HTTP error \d+(?: \([^)\n]*\))?/;

/** What no other try changes: refusals of the server, and files that cannot be used. */
const FOR_GOOD =
  /HTTP error (?:400|401|403|405|411|413|501)\b|: (?:No such file or directory|Permission denied|Not a directory|Read-only file system)\b|not trusted|lacks a (?:valid )?signature|unknown compression|: not found$/;

const WORDS: Readonly<Record<PathFault, string>> = {
  missing: 'not there',
  'archive-missing': 'without a whole archive',
  'other-content': 'there with other content than this machine has built',
  unsigned: 'not signed by a key that hosts trust',
};

/** `2 of 40 paths are not there, such as /nix/store/…` */
function faultWords(faults: PathFaults, all: number): string {
  const parts = (Object.keys(WORDS) as PathFault[]).flatMap((fault) => {
    const [first, ...more] = [...faults].filter(([, each]) => each === fault).map(([info]) => info.path);
    return first === undefined
      ? []
      : [`${more.length + 1} of ${all} paths ${more.length === 0 ? 'is' : 'are'} ${WORDS[fault]}, such as ${first}`];
  });
  return parts.join('; ');
}
