import type { Option } from './types.js';

/** The default of an option as people write it; `null` when there is none. */
export const shownFallback = ({ kind, fallback }: Option<unknown>): unknown =>
  fallback === null ? null : (kind.shown?.(fallback) ?? fallback);

/** What a flag does, in Markdown; in parentheses what holds without it, and how often it may be given. */
export function flagHelp(option: Option<unknown>): string {
  const [, text = '', told] = /^(.*?)(?: \(default: (.*)\))?$/.exec(option.help ?? option.doc) ?? [];
  const notes = [defaultWords(told, option), MANY_WORDS[option.kind.many ?? 'no']].filter((note) => note !== '');
  return notes.length === 0 ? text : `${text} (${notes.join('; ')})`;
}

const MANY_WORDS = { no: '', repeated: 'repeatable', 'with commas': 'repeatable, or a list with commas' } as const;

function defaultWords(told: string | undefined, option: Option<unknown>): string {
  if (told !== undefined) return `default: ${told}`;
  const standard = shownFallback(option);
  const isNone = option.turnsOn !== undefined || standard === '';
  return isNone || (typeof standard !== 'string' && typeof standard !== 'number') ? '' : `default: \`${standard}\``;
}
