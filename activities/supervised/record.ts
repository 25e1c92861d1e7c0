import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { CHANGE_FILE } from '../../host/kept-change.js';
import { gapFile } from '../../host/command-log.js';
import type { ProcessIdentity, StateDirectory } from '../../model/machine/state-directory.js';
import type { Target } from '../../model/targets/index.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { hasFields, readJson, writeWhole } from '../../host/files.js';
import { removeTree } from '../files/remove-tree.js';

/**
 * What a machine keeps about one command that outlives its worker (a build, a gate, an agent's attempt), as paths in one folder
 * below `builds`. The supervisor writes `identity`, `log` and `status`; everything else is the activities'. Every file but the
 * log is written whole.
 */
export interface CommandRecord {
  readonly directory: string;
  /** JSON `RecordOwner`: what the record is about. */
  readonly owner: string;
  /** JSON `CommandStart` of the newest start. */
  readonly start: string;
  /** JSON `SupervisorIdentity`. */
  readonly identity: string;
  /** JSON `CommandStatus`. */
  readonly status: string;
  /** All output, of all starts; see `host/command-log.ts`. */
  readonly log: string;
  /** JSON `Verdict`: classified once, and from then on the answer to every attempt. */
  readonly verdict: string;
  readonly lease: string;
  /** JSON `Shortage`, if the machine was seen to have too little of something. */
  readonly shortage: string;
  /** GC root of what a build makes. */
  readonly result: string;
}

export interface RecordOwner {
  /** Workflow id of the run. */
  readonly run: string;
  /** Temporal's, for a machine may have served more than one. */
  readonly namespace: string;
  readonly head: string;
  readonly target: Target;
}

export interface CommandStart {
  /** ISO 8601. */
  readonly startedAt: string;
  /** Where the log of this start begins: earlier ones stay before it. */
  readonly logOffset: number;
  /** `memoryKills` at that time; records of earlier versions have none. */
  readonly memoryKills?: number;
}

export interface SupervisorIdentity extends ProcessIdentity {
  /** Seconds since boot when it started: no clock that somebody sets. */
  readonly uptime: number;
}

/** How a command ended. `valid`: nobody saw it end, but what it was to make is there. */
export interface CommandStatus {
  readonly kind: 'exit' | 'lease' | 'stopped' | 'valid';
  readonly code: number;
  /** Seconds since boot at its end; `null` when nobody saw it. */
  readonly uptime: number | null;
}

export function recordAt(directory: string): CommandRecord {
  const file = (name: string): string => path.join(directory, name);
  return {
    directory,
    owner: file('record.json'),
    start: file('start.json'),
    identity: file('identity'),
    status: file('status'),
    log: file('log'),
    verdict: file('verdict.json'),
    lease: file('lease'),
    shortage: file('shortage.json'),
    result: file('result'),
  };
}

/** The record in a folder, with its owner noted, so that a later worker knows whose it is. */
export async function openRecord(directory: string, owner: RecordOwner): Promise<CommandRecord> {
  const record = recordAt(directory);
  await writeWhole(record.owner, JSON.stringify(owner));
  return record;
}

export interface OwnedRecord {
  readonly record: CommandRecord;
  readonly owner: RecordOwner;
}

export async function listRecords(state: StateDirectory): Promise<readonly OwnedRecord[]> {
  const found: OwnedRecord[] = [];
  for (const run of await names(state.builds)) {
    for (const name of await names(path.join(state.builds, run))) {
      const record = recordAt(path.join(state.builds, run, name));
      const owner = await readOwner(record);
      if (owner !== null) found.push({ record, owner });
    }
  }
  return found;
}

const readOwner = (record: CommandRecord): Promise<RecordOwner | null> =>
  readJson(record.owner, hasFields<RecordOwner>('run', 'namespace', 'head', 'target'));

export const readStart = (record: CommandRecord): Promise<CommandStart | null> =>
  readJson(record.start, hasFields<CommandStart>('startedAt', 'logOffset'));

export const readIdentity = (record: CommandRecord): Promise<SupervisorIdentity | null> =>
  readJson(record.identity, hasFields<SupervisorIdentity>('pid', 'bootId', 'startTime', 'uptime'));

export const readStatus = (record: CommandRecord): Promise<CommandStatus | null> =>
  readJson(record.status, hasFields<CommandStatus>('kind', 'code', 'uptime'));

export const readVerdict = (record: CommandRecord): Promise<Verdict | null> =>
  readJson(record.verdict, hasFields<Verdict>('target', 'verdict', 'seconds'));

/** Renews the lease of a running command. @param seconds how long the command lives on when nobody renews it again */
export const renewLease = (record: CommandRecord, seconds: number): Promise<void> =>
  writeWhole(record.lease, `${Math.ceil(seconds)} ${process.hrtime.bigint()}-${process.pid}\n`);

/**
 * Removes all that a command keeps alive or could be continued from: identity, status, lease, GC roots. What
 * people read stays: the logs (a report names their path) and the verdict. Safe to repeat.
 */
export async function releaseRecord(record: CommandRecord): Promise<void> {
  for (const name of await names(record.directory)) {
    if (!KEPT.has(name)) await removeTree(path.join(record.directory, name));
  }
}

const KEPT = new Set(['log', gapFile('log'), 'evaluation.log', 'verdict.json', CHANGE_FILE]);

export const names = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);
