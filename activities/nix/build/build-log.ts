import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { redactUrl, stripControl } from '../../../model/text/text.js';
import { lineCutter } from '../../../host/line-cutter.js';
import { storeName } from '../evaluate/derivation-file.js';
import { faultOf } from '../faults.js';

/** How far a build is, by its log. */
export interface BuildProgress {
  /** Derivations whose build began before the newest one. Nix doesn't say when one ends. */
  readonly done: number;
  readonly planned: number;
  readonly bytes: number;
  /** At most three, without control characters, at most 200 characters each. */
  readonly lastLines: readonly string[];
  /** What Nix, not a builder, complained of: a cache that cannot be reached costs minutes, and nothing else tells of it. */
  readonly trouble: string | null;
}

const LAST_LINES = 3;
const LINE_CHARACTERS = 200;
const CHUNK = 256 * 1024;

/** A line of a builder, as `bar-with-logs` shows it. A name of a store path holds no space, Nix's own lines do. */
const BUILDER_LINE = /^([0-9A-Za-z+._?=-]+)(?: \(post\))?> ?/;
const PLAN = /^(?:this|these (\d+)) derivations? will be built:$/;
const BUILDING = /^building '([^']+\.drv)'/;

/** Reads a growing log bit by bit. `offset` is where the part of this build begins, in bytes. */
export class LogFollower {
  private rest = Buffer.alloc(0);
  private planned = 0;
  private started = 0;
  private lastLines: readonly string[] = [];
  private readonly troubles = new Map<string, string>();

  constructor(
    private readonly file: string,
    private offset: number,
  ) {}

  /** Reads what was written since the last call. A log that is not there yet is empty. */
  async read(): Promise<BuildProgress> {
    const handle = await open(this.file, 'r').catch(() => null);
    if (handle !== null) {
      try {
        const { size } = await handle.stat();
        while (this.offset < size) {
          const length = Math.min(CHUNK, size - this.offset);
          const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, this.offset);
          if (bytesRead === 0) break;
          this.offset += bytesRead;
          this.take(buffer.subarray(0, bytesRead));
        }
      } finally {
        await handle.close();
      }
    }
    return {
      done: Math.max(0, this.started - 1),
      planned: Math.max(this.planned, this.started),
      bytes: this.offset,
      lastLines: this.lastLines,
      trouble: [...this.troubles.values()].at(-1) ?? null,
    };
  }

  private take(chunk: Buffer): void {
    const all = Buffer.concat([this.rest, chunk]);
    const end = all.lastIndexOf(0x0a);
    // A line without end is not kept for ever.
    this.rest = Buffer.from(all.subarray(end + 1)).subarray(-CHUNK);
    if (end === -1) return;
    const lines = all.subarray(0, end).toString('utf8').split('\n');
    for (const line of lines) {
      const plan = PLAN.exec(line);
      if (plan !== null) this.planned += Number(plan[1] ?? 1);
      if (BUILDING.test(line)) this.started += 1;
      const trouble = troubleOf(line);
      // Hundreds of lines tell of one fault: the first one is kept.
      if (trouble !== null && !this.troubles.has(trouble.what)) this.troubles.set(trouble.what, trouble.text);
    }
    this.lastLines = [...this.lastLines, ...lines.slice(-LAST_LINES).map(shown)]
      .filter((line) => line !== '')
      .slice(-LAST_LINES);
  }
}

const COMPLAINT = /^(?:warning|error): /;
const HOST = /https?:\/\/([^\s/'"]+)/;

/** What a line of Nix says of machine or network, and which host it is about. */
function troubleOf(line: string): { readonly what: string; readonly text: string } | null {
  if (!COMPLAINT.test(line)) return null;
  const text = line.slice(0, LINE_LIMIT).replace(/^(?:warning: )?(?:error: )?/, '');
  const fault = faultOf({ signal: null, stderr: `error: ${text}` });
  if (fault === null || fault.kind === 'nix') return null;
  const host = HOST.exec(redactUrl(text))?.[1];
  return { what: fault.what, text: shown(host === undefined ? fault.what : `${fault.what}: ${host}`) };
}

const shown = (line: string): string =>
  stripControl(line.slice(0, 4 * LINE_CHARACTERS))
    .replaceAll('\n', ' ')
    .trim()
    .slice(0, LINE_CHARACTERS);

/** What a finished log says about a build, small whatever the log's size. */
export interface LogEvidence {
  /** Lines of Nix itself, the newest 4,000. */
  readonly nixLines: readonly string[];
  /** Derivations whose build began, in that order. */
  readonly started: readonly string[];
}

const NIX_LINES = 4000;
const LINE_LIMIT = 4000;

/** Reads the log of one start, from `offset` on. */
export async function readEvidence(file: string, offset: number): Promise<LogEvidence> {
  const nixLines: string[] = [];
  const started: string[] = [];
  for await (const line of linesOf(file, offset)) {
    const building = BUILDING.exec(line)?.[1];
    if (building !== undefined) started.push(building);
    else if (!BUILDER_LINE.test(line)) nixLines.push(line.slice(0, LINE_LIMIT));
    if (nixLines.length > 2 * NIX_LINES) nixLines.splice(0, nixLines.length - NIX_LINES);
  }
  return { nixLines: nixLines.slice(-NIX_LINES), started };
}

/**
 * How Nix marks a builder's lines: the derivation's name without its version, which begins after the first dash that no
 * letter follows (`parseDrvName`). So `bash44` may be any of thirty patches.
 */
export const builderMark = (drvPath: string): string => storeName(drvPath).replace(/-(?=[^A-Za-z]).*$/, '');

/**
 * The newest lines that one builder printed, without their mark.
 * @param name the mark
 */
export async function builderLines(file: string, offset: number, name: string, count: number): Promise<string[]> {
  const found: string[] = [];
  for await (const line of linesOf(file, offset)) {
    const prefix = BUILDER_LINE.exec(line);
    if (prefix?.[1] === name) found.push(line.slice(prefix[0].length, LINE_LIMIT));
    if (found.length > 2 * count) found.splice(0, found.length - count);
  }
  return found.slice(-count);
}

/** Lines of a log, each cut where it is long: no line that a builder prints is held in memory whole. */
async function* linesOf(file: string, offset: number): AsyncGenerator<string> {
  const there = await stat(file).catch(() => null);
  if (there === null) return;
  const lines = lineCutter(LINE_LIMIT);
  for await (const chunk of createReadStream(file, { start: offset })) yield* lines.push(chunk as Buffer);
  const rest = lines.rest();
  if (rest !== '') yield rest;
}

/** The end of a log, at most so many bytes. */
export async function readEnd(file: string, bytes: number): Promise<string> {
  const handle = await open(file, 'r').catch(() => null);
  if (handle === null) return '';
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - bytes);
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer.subarray(0, bytesRead).toString('utf8');
  } finally {
    await handle.close();
  }
}
