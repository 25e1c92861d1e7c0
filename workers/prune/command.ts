import { stat } from 'node:fs/promises';
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import type { Command } from 'commander';
import * as envconfig from '@temporalio/envconfig';
import { systemCode } from '../../host/errors.js';
import { runningServer } from '../../host/embedded-server.js';
import { isLocked } from '../../host/machine-lock.js';
import { chooseServer } from '../../host/server-choice.js';
import { StateFault, stateFault } from '../../host/state-directory.js';
import { groupBy } from '../../model/text/group-by.js';
import { PRUNE_OPTIONS, type PruneOptions } from '../../model/machine/prune-options.js';
import { DEFAULT_LIMITS, type KeptKind, type Limits, type Removal } from '../../model/machine/retention.js';
import { formatSize } from '../../model/text/size.js';
import { lockFile, newerFault, stateDirectory, stateDirectoryFault } from '../../model/machine/state-directory.js';
import type { FormatRecord, StateDirectory, WorkerRecord } from '../../model/machine/state-directory.js';
import { printableJson, stripControl } from '../../model/text/text.js';
import { readJson } from '../../host/files.js';
import { declareOptions } from '../options.js';
import { prune, type Pruned } from './prune.js';
import { askServer, type ServerView } from './runs.js';

/** `lockkeeper prune`: cleans a state directory up, whether a worker and a server run or not. */
export function declarePrune(command: Command): void {
  declareOptions(command, PRUNE_OPTIONS).action(async (flags: PruneOptions) => {
    const state = stateDirectory(flags.stateDir);
    const server = (await isOurs(state)) ? await findServerView(state) : null;
    const pruned = await pruneNow(state, flags, server);
    if (flags.json === true) process.stdout.write(`${json(pruned, flags, server !== null)}\n`);
    else process.stdout.write(`${lines(pruned, flags, server !== null).join('\n')}\n`);
    if (pruned.failed.length > 0) process.exitCode = 1;
  });
}

async function pruneNow(state: StateDirectory, flags: PruneOptions, server: ServerView | null): Promise<Pruned> {
  // Names below a folder that no worker ever used are somebody else's.
  if (!(await isOurs(state))) return { removed: [], failed: [], left: [], kept: [] };
  const leavesMirrors = (): Promise<boolean> => isLocked(lockFile(state, 'worker'));
  return prune({ state, limits: limits(flags), server, leavesMirrors, dryRun: flags.dryRun === true });
}

async function isOurs(state: StateDirectory): Promise<boolean> {
  const found = await stat(state.root).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null;
    throw stateFault(state, error);
  });
  if (found?.isDirectory() === false) throw new StateFault(`The state directory ${state.root} is not a folder.`);
  if (found === null || (await stat(state.machineId).catch(() => null)) === null) return false;
  const fault =
    stateDirectoryFault(state.root, found.mode) ??
    newerFault(`the state directory ${state.root}`, await readJson<FormatRecord>(state.format));
  if (fault !== null) throw new Error(fault);
  return true;
}

/** Reports and times are small, and gone for good: they keep their year. */
function limits({ olderThan, maxSize }: PruneOptions): Limits {
  const { days, logBytes } = DEFAULT_LIMITS;
  const age =
    olderThan === undefined
      ? {}
      : {
          logs: olderThan,
          evaluation: olderThan,
          closure: olderThan,
          advisories: olderThan,
          mirror: olderThan,
          ref: olderThan,
        };
  return { ...DEFAULT_LIMITS, days: { ...days, ...age }, logBytes: maxSize ?? logBytes };
}

/** The server that is configured, or the embedded one if it runs; `null` when none answers. None is started for this. */
async function findServerView(state: StateDirectory): Promise<ServerView | null> {
  const choice = await chosenServer(state);
  if (choice === null) return null;
  const { options, namespace } = choice;
  // Runs that another server knows nothing of may be open on the one that the last worker here was for.
  const worker = await readJson<WorkerRecord>(state.worker);
  const own = worker !== null && worker.address === options.address && worker.namespace === namespace;
  try {
    const connection = await Connection.connect({ ...options, connectTimeout: 3000 });
    return await askServer(new Client({ connection, namespace }), own);
  } catch {
    return null;
  }
}

async function chosenServer(
  state: StateDirectory,
): Promise<{ readonly options: ConnectionOptions; readonly namespace: string } | null> {
  const choice = chooseServer(envconfig);
  if (choice.kind === 'configured') return choice;
  const embedded = await runningServer(state);
  return embedded === null ? null : { options: { address: embedded.address }, namespace: embedded.namespace };
}

const KINDS: Readonly<Record<KeptKind, string>> = {
  logs: 'logs of a run',
  roots: 'GC roots of a run',
  evaluation: 'evaluation',
  closure: 'closure of a host',
  advisories: 'index of advisories',
  report: 'report',
  times: 'build times',
  mirror: 'mirror',
  ref: 'commit in a mirror',
  'process-log': 'log (the old one is kept)',
  user: 'record of a process',
  leftover: 'leftover',
};

function lines({ removed, failed, left, kept }: Pruned, { dryRun }: PruneOptions, asked: boolean): string[] {
  const did = dryRun === true ? 'would remove' : 'removed';
  const line = (what: string, { item, why }: Removal, more = ''): string =>
    stripControl(`${what}  ${item.path}  (${KINDS[item.kind]}, ${formatSize(item.bytes)}): ${why}${more}`);
  return [
    ...removed.map((each) => line(did, each)),
    ...failed.map((each) => line('could not remove', each, `; ${each.error}`)),
    ...left.map((each) => line('left', each, '; it is in use, or for the worker that runs here to remove')),
    ...(asked ? [] : ['No server was asked which runs are open: what may belong to one is kept.']),
    `${did} ${removed.length} in all, ${formatSize(total(removed.map(({ item }) => item)))}; ${formatSize(total(kept))} ${dryRun === true ? 'would be' : 'is'} kept`,
  ];
}

const total = (items: readonly { readonly bytes: number }[]): number =>
  items.reduce((sum, { bytes }) => sum + bytes, 0);

function json({ removed, failed, left, kept }: Pruned, { dryRun }: PruneOptions, asked: boolean): string {
  const plain = ({ item, why }: Removal): object => ({ kind: item.kind, path: item.path, bytes: item.bytes, why });
  const keptBytes = Object.fromEntries(
    [...groupBy(kept, ({ kind }) => kind)].map(([kind, items]) => [kind, total(items)]),
  );
  return printableJson({
    dryRun: dryRun === true,
    serverAsked: asked,
    removed: removed.map(plain),
    removedBytes: total(removed.map(({ item }) => item)),
    failed: failed.map((each) => ({ ...plain(each), error: each.error })),
    left: left.map(plain),
    keptBytes,
  });
}
