import { stripControl } from '../../model/text/text.js';

export interface NixError {
  /** First line of the message. */
  readonly message: string;
  /** What follows the message, notes among it, without the source that Nix quotes. */
  readonly below: readonly string[];
  /** What Nix was doing, the outermost first. Without `--show-trace` it leaves out some of the inner ones. */
  readonly doing: readonly string[];
  /** What was printed since the error before: by Nix, and by programs that it ran. */
  readonly before: readonly string[];
}

/** What Nix goes past, and what a flake traces. */
const ASIDE = /^(?:warning|trace|evaluation warning|error \(ignored\)):/;
/** `   12| code`, the mark below it, and the last lines of a builder's log. */
const QUOTED = /^\s*(?:\d+\||\||> )/;
const DOING = /^\s+… (.*)$/;

/**
 * The errors in the output of one of Nix's commands, in their order. One begins at the start of a line; what belongs to it is
 * indented. Nix 2.8 prints the message first; newer versions print an empty `error:`, what they were doing, and then the
 * message. A text that a flake throws may have lines that look like another error: they are part of `below`.
 */
export function nixErrors(output: string): readonly NixError[] {
  const lines = stripControl(output).split('\n');
  const starts = lines.flatMap((line, index) => (line.startsWith('error:') ? [index] : []));
  return starts.map((start, number) => {
    const previous = starts[number - 1];
    const said = lines.slice(previous === undefined ? 0 : previous + 1, start);
    return {
      ...takeApart(lines.slice(start, starts[number + 1])),
      before: said.filter((line) => !ASIDE.test(line) && !/^\s/.test(line)),
    };
  });
}

function takeApart(block: readonly string[]): Omit<NixError, 'before'> {
  const lines = block.filter((line) => !QUOTED.test(line));
  const first = lines.findIndex((line) => DOING.test(line));
  // Where it says what it was doing, and has not said what is wrong: below that.
  const nested = first > 0 && lines.slice(0, first).every((line) => /^error:\s*$|^\s*$/.test(line));
  const start = nested ? lines.findIndex((line) => /^\s+error:/.test(line)) : 0;
  if (start === -1) return { message: '', below: lines.slice(1), doing: doingIn(lines) };
  const [head = '', ...rest] = lines.slice(start);
  const told = [head.replace(/^\s*error:\s*/, ''), ...rest].map((line) => line.trim());
  const from = told.findIndex((line) => line !== '');
  return {
    message: from === -1 ? '' : (told[from] ?? ''),
    below: from === -1 ? [] : told.slice(from + 1),
    doing: doingIn(nested ? lines.slice(0, start) : lines),
  };
}

const doingIn = (lines: readonly string[]): readonly string[] => lines.flatMap((line) => DOING.exec(line)?.[1] ?? []);

/** Whether a flake ended its evaluation in words of its own, as far as Nix tells (2.8 does not). */
export const isThrown = ({ doing }: NixError): boolean =>
  /^while calling the '(?:throw|abort)' builtin$/.test(doing.at(-1) ?? '');
