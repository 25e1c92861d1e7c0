/**
 * Why a pattern cannot be used, as the end of a sentence; `null` when it can. Refused is what Git reads in a `.gitignore`
 * without a word and what then matches nothing: a pattern that protects nothing must not look as if it did.
 */
export function pathPatternFault(pattern: string): string | null {
  return FAULTS.find(([isFault]) => isFault(pattern))?.[1] ?? null;
}

const PATTERN_LENGTH = 200;

// A bracket expression is closed as in `[ab]`, `[!a-z]`, `[]x]` or `[[:digit:]]`: gitignore(5) leaves that to glob(7).
const CLASS = '\\[:(?:alnum|alpha|blank|cntrl|digit|graph|lower|print|punct|space|upper|xdigit):\\]';
const MEMBER = `(?:${CLASS}|\\\\.|(?!\\[:[^\\]]*:\\])[^\\\\\\]])`;
const BRACKET = `\\[[!^]?(?:\\]|${MEMBER})${MEMBER}*\\]`;
const CLOSED = new RegExp(`^(?:\\\\.|[^\\\\[]|${BRACKET})*$`, 'u');

/** The names between the slashes, without `!` and without the slashes at the ends that mean something. */
const partsOf = (pattern: string): readonly string[] =>
  pattern
    .replace(/^!/, '')
    .replace(/^\/|\/ *$/g, '')
    .split('/');

const FAULTS: readonly (readonly [(pattern: string) => boolean, string])[] = [
  [(pattern) => pattern.length > PATTERN_LENGTH, `is longer than ${PATTERN_LENGTH} characters.`],
  [(pattern) => /\p{Cc}/u.test(pattern), 'holds a control character.'],
  [(pattern) => /^!?[ /]*$/.test(pattern), 'is not a pattern of paths: give one such as secrets/** or *.age.'],
  [(pattern) => pattern.startsWith('#'), 'is a comment: write \\# for a name that starts with "#".'],
  [(pattern) => /(?<!\\)(?:\\\\)*\\$/.test(pattern), 'ends with a single "\\": write \\\\ for that character.'],
  [
    (pattern) => !CLOSED.test(pattern),
    'has a "[" without its "]": close it as in [ab], or write \\[ for that character.',
  ],
  [
    (pattern) => partsOf(pattern).some((part) => ['', '.', '..'].includes(part)),
    'has an empty part, "." or "..", so no path matches it: write it from the root of the repository, such as /secrets.',
  ],
];
