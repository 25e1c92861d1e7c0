import { PlanReader, type BuildPlan } from '../../../model/nix/build-plan.js';
import { BUILDER_LINE, BUILDING } from '../../../model/nix/log-lines.js';
import { storeName } from '../../../model/nix/derivation-file.js';
import { redactUrl } from '../../../model/text/text.js';
import { withoutSecrets } from '../../../host/secrets/redact.js';
import { LINE_LIMIT, linesOf, shown } from '../../supervised/log.js';
import { faultOf } from '../faults.js';

export interface BuildProgress {
  /** Derivations whose build began before the newest one. Nix doesn't say when one ends. */
  readonly done: number;
  readonly planned: number;
  /** What Nix said that it had to do; `null` before it said so, and when there is nothing to do. */
  readonly plan: BuildPlan | null;
  /** What Nix, not a builder, complained of: a cache that cannot be reached costs minutes, and nothing else tells of it. */
  readonly trouble: string | null;
}

/** Counts what the lines of a growing log tell. */
export class BuildCounter {
  private readonly reader = new PlanReader();
  private started = 0;
  private readonly troubles = new Map<string, string>();

  take(lines: readonly string[]): void {
    for (const line of lines) {
      this.reader.take(line);
      if (BUILDING.test(line)) this.started += 1;
      const trouble = troubleOf(line);
      // Hundreds of lines tell of one fault: the first one is kept.
      if (trouble !== null && !this.troubles.has(trouble.what)) this.troubles.set(trouble.what, trouble.text);
    }
  }

  progress(): BuildProgress {
    return {
      done: Math.max(0, this.started - 1),
      planned: Math.max(this.reader.plan()?.builds ?? 0, this.started),
      plan: this.reader.plan(),
      trouble: [...this.troubles.values()].at(-1) ?? null,
    };
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

/** What a finished log says about a build, small whatever the log's size. */
export interface LogEvidence {
  /** Lines of Nix itself, the newest 4,000. */
  readonly nixLines: readonly string[];
  /** Derivations whose build began, in that order. */
  readonly started: readonly string[];
  /** What Nix said before that it had to do; `null` when it said nothing. */
  readonly plan: BuildPlan | null;
}

const NIX_LINES = 4000;

/** Reads the log of one start, from `offset` on. */
export async function readEvidence(file: string, offset: number): Promise<LogEvidence> {
  const nixLines: string[] = [];
  const started: string[] = [];
  const reader = new PlanReader();
  for await (const line of linesOf(file, offset)) {
    reader.take(line);
    const building = BUILDING.exec(line)?.[1];
    if (building !== undefined) started.push(building);
    else if (!BUILDER_LINE.test(line)) nixLines.push(withoutSecrets(line));
    if (nixLines.length > 2 * NIX_LINES) nixLines.splice(0, nixLines.length - NIX_LINES);
  }
  return { nixLines: nixLines.slice(-NIX_LINES), started, plan: reader.plan() };
}

/**
 * How Nix marks a builder's lines: the derivation's name without its version, which begins after the first dash that no
 * letter follows (`parseDrvName`). So `bash44` may be any of thirty patches.
 */
export const builderMark = (drvPath: string): string => storeName(drvPath).replace(/-(?=[^A-Za-z]).*$/, '');

/** The newest lines that one builder printed, without their mark. @param name the mark */
export async function builderLines(file: string, offset: number, name: string, count: number): Promise<string[]> {
  const found: string[] = [];
  for await (const line of linesOf(file, offset)) {
    const prefix = BUILDER_LINE.exec(line);
    if (prefix?.[1] === name) found.push(withoutSecrets(line.slice(prefix[0].length)));
    if (found.length > 2 * count) found.splice(0, found.length - count);
  }
  return found.slice(-count);
}
