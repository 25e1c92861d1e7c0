import { oneLine } from '../text/one-line.js';
import type { Verdict } from './verdict.js';

/** What build tools and Nix print around the line that says what is wrong. */
const NOISE =
  /^(?:make(?:\[\d+\])?: |note:|hint:|\(use '--show-trace'|For full logs|last \d+ log lines|error: (?:builder for|cannot build|build of|\d+ dependenc)|Reason: |Output paths:|[^\p{L}\p{N}]*$)/iu;
const COMPLAINT = /\b(?:error|fatal|panic(?:ked)?|exception|failed|cannot|could not|not found|undefined|unknown)\b/i;
/** A complaint further up than that is rarely what ended the build. */
const LOOKED_AT = 40;
const LINE_BYTES = 300;

/** The line of a log's end that says most: the last one that complains, else the last one that says anything; `null` for an empty log. */
function lastWords(logTail: string | null): string | null {
  const lines = (logTail ?? '')
    .split('\n')
    .slice(-LOOKED_AT)
    .map((line) => oneLine(line, LINE_BYTES))
    .filter((line) => !NOISE.test(line));
  return lines.findLast((line) => COMPLAINT.test(line)) ?? lines.at(-1) ?? null;
}

/**
 * What broke a target, in one line: what Nix says and, where that is only how a builder ended, what the builder said:
 * `builder for 'x.drv' failed with exit code 1: unknown directive 'ssl on'`.
 */
export function failureWords({ verdict, error, logTail }: Pick<Verdict, 'verdict' | 'error' | 'logTail'>): string {
  const said = verdict === 'build-failed' || verdict === 'timed-out' ? lastWords(logTail) : null;
  if (error === null) return said ?? verdict;
  return said === null || error.includes(said) ? error : `${error}: ${said}`;
}
