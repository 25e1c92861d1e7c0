import { redactUrl, stripControl, truncate } from '../../model/text/text.js';
import { withoutSecrets } from '../secrets/redact.js';

/** Where Nix points to, or what it shows of the source: everything that is not the message itself. */
const AROUND_THE_MESSAGE =
  /^\s*(?:at\b.*:\d+|…|\.\.\.|\d+\||\||\(use '--show-trace'|\(stack trace truncated|note:|hint:)/;

/**
 * What Nix says went wrong, as one line: the text of the last `error:` in its output without trace and source. Nix 2.8
 * prints the message first and the trace after it, newer versions the other way round with a bare `error:` at the top;
 * in both the last `error:` is the one that names the cause. Some messages begin on the line after it.
 * User info in URLs is taken out.
 * @param limit most bytes of the answer
 */
export function nixErrorMessage(stderr: string, limit = 500): string {
  const lines = redactUrl(withoutSecrets(stripControl(stderr))).split('\n');
  const start = lines.findLastIndex((line) => /^\s*error:/.test(line));
  if (start === -1) return truncate(lines.findLast((line) => line.trim() !== '')?.trim() ?? 'no message', limit);
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => line.trim() === '' || AROUND_THE_MESSAGE.test(line));
  const message = [lines[start]?.replace(/^\s*error:\s*/, '') ?? '', ...rest.slice(0, end === -1 ? rest.length : end)]
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
  return truncate(message === '' ? 'no message' : message, limit);
}

/** File of the flake and line where the last error is, as `flake.nix:3:5`; `null` when Nix points to none. */
export function nixErrorPosition(stderr: string): string | null {
  const text = stripControl(stderr);
  const cause = text.slice(Math.max(0, text.search(/error:(?![\s\S]*\n\s*error:)/)));
  const found = /\bat (?:\/nix\/store\/[^/\s]+|«[^»]*»|\/[^\s:]*(?=\/[^\s/:]+:))\/?([^\s:]*):(\d+):(\d+)/.exec(cause);
  if (found?.[1] === undefined || found[1] === '') return null;
  return `${found[1]}:${found[2] ?? ''}:${found[3] ?? ''}`;
}
