import { storeName } from '../../../model/nix/derivation-file.js';
import { stripControl, truncate } from '../../../model/text/text.js';
import { KILLED_STATUS } from '../../command/memory-kills.js';
import type { CommandStatus } from '../../supervised/record.js';
import type { Shortage } from '../../supervised/shortage.js';
import { nixErrorMessage } from '../../../host/nix/error-message.js';
import { faultInLog, NO_SPACE, OUT_OF_MEMORY } from '../faults.js';
import type { LogEvidence } from './build-log.js';

/** Why a build did not succeed. Only `infrastructure` can be cured by trying again. */
export interface BuildFailure {
  readonly kind: 'build-failed' | 'timed-out' | 'infrastructure';
  /** The derivation that is the root cause, not one that only depends on it; `null` when Nix names none. */
  readonly failedDrv: string | null;
  /** One line. */
  readonly message: string;
  /** Whose words explain it: the failed builder's, or Nix's own. */
  readonly told: 'by-builder' | 'by-nix';
}

type FailedLog = Pick<LogEvidence, 'nixLines' | 'started'>;

export interface FailureEvidence extends FailedLog {
  readonly status: CommandStatus;
  /** The newest lines of the builder that failed, if they are known: they may tell of a full disk. */
  readonly builderLines: readonly string[];
  /** What the machine had too little of while it ran. */
  readonly shortage: Shortage;
  /** Whether that builder makes a fixed output: only those have a network, and can lose it. */
  readonly fixedOutput: boolean;
}

/** A derivation that failed by itself. */
interface Cause {
  readonly drv: string | null;
  readonly reason: string;
}

/**
 * Tells what the machine did to a build from what is wrong with the build. Exit statuses don't: through the daemon every
 * failure is 1. A cause that no retry can cure wins over one that may be cured, so a broken host is never tried for hours.
 */
export function classifyFailure(evidence: FailureEvidence): BuildFailure {
  const causes = findCauses(evidence);
  const cause = rootCause(evidence, causes);
  const ended = endedFromOutside(evidence);
  if (ended !== null) return infrastructure(cause?.drv ?? null, ended);

  const text = evidence.nixLines.filter((line) => !/^warning:|^\s+> /.test(line)).join('\n');
  const fault = faultInLog(evidence.nixLines);
  if (cause?.reason.startsWith('builder failed with') === true) {
    const excuse = builderFault(evidence, cause) ?? (fault?.kind === 'machine' ? fault.what : null);
    if (excuse !== null) return infrastructure(cause.drv, `${excuse}: ${describe(cause)}`);
  }
  if (cause !== null && KILLED.test(cause.reason))
    return infrastructure(
      cause.drv,
      because(evidence.shortage.memory && /signal 9\b/.test(cause.reason), describe(cause)),
    );
  const away = cause === null ? null : builderAway(evidence, cause);
  if (cause !== null && away !== null)
    return infrastructure(cause.drv, `no remote builder can be reached: ${away}: ${describe(cause)}`);
  if (cause !== null) {
    const more = new Set(causes.map((each) => each.drv)).size - 1;
    return {
      kind: cause.reason.startsWith('timed out') ? 'timed-out' : 'build-failed',
      failedDrv: cause.drv,
      message: describe(cause) + (more > 0 ? ` (and ${more} more failed)` : ''),
      told: /^(?:builder failed|timed out)/.test(cause.reason) ? 'by-builder' : 'by-nix',
    };
  }
  if (fault !== null) return infrastructure(null, `${fault.what}: ${nixErrorMessage(text)}`);
  return withoutCause(evidence.status, text);
}

/** The derivation whose log is worth reading: the one that `classifyFailure` names. */
export const failedDerivation = (evidence: LogEvidence): string | null =>
  rootCause(evidence, findCauses(evidence))?.drv ?? null;

const rootCause = (log: FailedLog, causes: readonly Cause[]): Cause | null =>
  causes.find((cause) => !KILLED.test(cause.reason) && builderAway(log, cause) === null) ?? causes[0] ?? null;

const NEEDS_BUILDER = /^(?:an? '[^']+' with features \{.*\}|a builder for '[^']+') is required$/;

/**
 * What Nix said of a remote builder that it tried for a derivation and could not use: it is switched off, say. `null` when
 * there was none to try, which no retry cures.
 */
function builderAway({ nixLines }: FailedLog, { reason }: Cause): string | null {
  if (!NEEDS_BUILDER.test(reason)) return null;
  return nixLines.map((line) => stripControl(line)).find((line) => /^cannot build on '[^']+': /.test(line)) ?? null;
}

/** The kernel's out-of-memory killer and a stopping machine send these; a program does not end itself with them. */
const KILLED = /due to signal (?:9|15|1|2)\b/;

const infrastructure = (failedDrv: string | null, message: string): BuildFailure => ({
  kind: 'infrastructure',
  failedDrv,
  message: truncate(stripControl(message).replaceAll('\n', ' '), 500),
  told: 'by-nix',
});

const because = (memoryWasShort: boolean, what: string): string =>
  memoryWasShort ? `${OUT_OF_MEMORY}: ${what}` : what;

function endedFromOutside({ status, shortage }: FailureEvidence): string | null {
  if (status.kind === 'lease') return 'nobody followed the build any more, and it ended itself';
  if (status.kind === 'stopped') return 'the build was asked to stop';
  if (status.code > 128)
    return because(shortage.memory && status.code === KILLED_STATUS, `Nix was ended by signal ${status.code - 128}`);
  return null;
}

/** What builders say of a machine that had too little, by what it lacked. */
const SHORTAGE_WORDS: Readonly<Record<keyof Shortage, RegExp>> = {
  disk: /No space left on device|Disk quota exceeded/,
  // What a shell, `make` and compilers say of a command that was killed may have been for another reason as well.
  memory:
    /Cannot allocate memory|virtual memory exhausted|Killed signal terminated program|signal: 9, SIGKILL|\bKilled\b|\bError 137\b/,
};
const NETWORK_WORDS: readonly RegExp[] = [
  /curl: \((?:5|6|7|28|35|52|55|56)\)|Could(?:n't| not) (?:resolve host|connect)/,
  /unable to download .*(?:HTTP error (?:429|5\d\d)|[Tt]imed? ?out|Connection)/,
  /unable to access .*(?:Failed to connect|Connection|[Tt]imed out)/,
];

/**
 * Builders tell of the machine in their own words, which are looked at only in their newest lines. Anybody can print them:
 * they count where the machine was seen to be so, and of the network in downloads alone, which nothing else can have lost.
 */
function builderFault({ builderLines, fixedOutput, shortage }: FailureEvidence, cause: Cause): string | null {
  const text = builderLines.slice(-30).join('\n');
  if (shortage.memory && (SHORTAGE_WORDS.memory.test(text) || cause.reason.endsWith(`exit code ${KILLED_STATUS}`)))
    return OUT_OF_MEMORY;
  if (shortage.disk && SHORTAGE_WORDS.disk.test(text)) return NO_SPACE;
  return fixedOutput && NETWORK_WORDS.some((pattern) => pattern.test(text)) ? 'the network failed' : null;
}

function withoutCause(status: CommandStatus, text: string): BuildFailure {
  if (/cannot build missing derivation|failed to obtain derivation of/.test(text)) {
    return infrastructure(null, 'the derivation is no longer in the store');
  }
  if (/interrupted by the user|unexpected end-of-file|Broken pipe|some substitutes for the outputs of/.test(text)) {
    return infrastructure(null, nixErrorMessage(text));
  }
  if (/Failed to find a machine for remote build|cannot build on 'ssh/.test(text)) {
    return infrastructure(null, `no remote builder: ${nixErrorMessage(text)}`);
  }
  if (!/^error:/m.test(text)) return infrastructure(null, `nix-store ended with ${status.code} and no message`);
  return { kind: 'build-failed', failedDrv: null, message: nixErrorMessage(text), told: 'by-nix' };
}

function describe(cause: Cause): string {
  const name = cause.drv === null ? null : `'${storeName(cause.drv)}.drv'`;
  if (name === null) return cause.reason;
  if (cause.reason.startsWith('builder ')) return cause.reason.replace('builder ', `builder for ${name} `);
  if (cause.reason.startsWith('timed out')) return `building ${name} ${cause.reason}`;
  return `${name}: ${cause.reason}`;
}

/** A message of Nix with the reason in it, and the order of its groups. */
const PATTERNS: readonly (readonly [RegExp, (match: RegExpExecArray) => Cause])[] = [
  // Until 2.30.
  [
    /^error: builder for '([^']+)' (failed [^;]*);?$/,
    (match) => ({ drv: match[1] ?? null, reason: `builder ${match[2] ?? ''}` }),
  ],
  [
    /^error: building of '([^']+?\.drv)[!^][^']*' from \.drv file (timed out .*)$/,
    (match) => ({ drv: match[1] ?? null, reason: match[2] ?? '' }),
  ],
  // Since 2.30 without a name.
  [/^error: (timed out after .*)$/, (match) => ({ drv: null, reason: match[1] ?? '' })],
  [
    /^error: hash mismatch in fixed-output derivation '([^']+)'/,
    (match) => ({ drv: match[1] ?? null, reason: 'hash mismatch in a fixed-output derivation' }),
  ],
  [
    /^error: (an? '[^']+' with features \{.*\} is required) to build '([^']+)'/,
    (match) => ({ drv: match[2] ?? null, reason: match[1] ?? '' }),
  ],
];

function findCauses(evidence: FailedLog): readonly Cause[] {
  const lines = evidence.nixLines.map((line) => stripControl(line));
  const found = lines.flatMap((line, index): Cause[] => {
    for (const [pattern, cause] of PATTERNS) {
      const match = pattern.exec(line);
      if (match !== null) return [cause(match)];
    }
    const drv = /^error: Cannot build '([^']+)'\.$/.exec(line)?.[1];
    return drv === undefined ? [] : newStyle(drv, lines.slice(index + 1, index + 6));
  });
  return found.map((cause) => (cause.drv === null ? { ...cause, drv: unnamed(evidence, found) } : cause));
}

/** Since 2.30 the reason stands below, and a derivation that only depends on a failed one is reported in the same way. */
function newStyle(drv: string, below: readonly string[]): Cause[] {
  const reason = /^\s+Reason: (.*?)\.?$/.exec(below[0] ?? '')?.[1];
  if (reason === undefined || /^\d+ dependenc(?:y|ies) failed$/.test(reason)) return [];
  const system = /^\s+Required system: '([^']+)'/.exec(below[1] ?? '')?.[1];
  return [{ drv, reason: system === undefined ? reason : `a builder for '${system}' is required` }];
}

/** The derivation of a message that names none: the newest one that began and has no failure of its own. */
const unnamed = (evidence: FailedLog, causes: readonly Cause[]): string | null =>
  evidence.started.findLast((drv) => !causes.some((cause) => cause.drv === drv)) ?? null;
