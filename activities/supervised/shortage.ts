import { readFile, statfs } from 'node:fs/promises';
import { hasFields, readJson, writeWhole } from '../../host/files.js';
import { memoryKills } from '../command/memory-kills.js';
import { readStart, type CommandRecord } from './record.js';

/**
 * What a machine had too little of while a command ran, as the machine itself shows it. A builder that fails says so in words
 * that anybody can print, and gives back what it had taken: so it is looked at meanwhile.
 */
export interface Shortage {
  readonly disk: boolean;
  readonly memory: boolean;
}

/** Room that is as good as none: this much, and of a small disk this share. */
const ROOM_BYTES = 256 * 1024 * 1024;
const ROOM_SHARE = 0.05;
/** Where user-space killers such as earlyoom and systemd-oomd begin. */
const MEMORY_SHARE = 0.1;
/** Folders that Nix makes outputs and builds in. One that is not there is not used. */
const FOLDERS = ['/nix/store', '/nix/var/nix/builds', '/tmp'];

/** Looks at disk and memory, and notes in the record of a running command what is short. */
export async function noteShortage(record: CommandRecord): Promise<void> {
  const before = await readNoted(record);
  const now = { disk: before.disk || (await diskIsFull()), memory: before.memory || (await memoryIsOut()) };
  if (now.disk !== before.disk || now.memory !== before.memory) await writeWhole(record.shortage, JSON.stringify(now));
}

/** What was short since the newest start of a command, or is now; the kernel's own count of what it killed included. */
export async function shortageOf(record: CommandRecord): Promise<Shortage> {
  const noted = await readNoted(record);
  const killsBefore = (await readStart(record))?.memoryKills;
  const killed = killsBefore !== undefined && (await memoryKills()) > killsBefore;
  return { disk: noted.disk || (await diskIsFull()), memory: noted.memory || killed };
}

const readNoted = async (record: CommandRecord): Promise<Shortage> =>
  (await readJson(record.shortage, hasFields<Shortage>('disk', 'memory'))) ?? { disk: false, memory: false };

async function diskIsFull(): Promise<boolean> {
  const found = await Promise.all(FOLDERS.map((folder) => statfs(folder).catch(() => null)));
  return found.some((one) => {
    if (one === null) return false;
    const enough = Math.min(ROOM_BYTES / one.bsize, ROOM_SHARE * one.blocks);
    return one.bavail < enough || (one.files > 0 && one.ffree === 0);
  });
}

async function memoryIsOut(): Promise<boolean> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? NaN);
  return kilobytes('MemAvailable') < MEMORY_SHARE * kilobytes('MemTotal');
}
