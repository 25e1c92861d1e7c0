import { ADVICE_LIMIT, type Advice } from '../flake-lock/advice.js';
import { oneLine, oneName } from '../text/one-line.js';

/** Each piece of advice as one line, at most `ADVICE_LIMIT` of them and a line that counts the others. */
export function adviceWords(advice: readonly Advice[], startedAt: string): readonly string[] {
  const shown = advice.slice(0, ADVICE_LIMIT).map((each) => words(each, startedAt.slice(0, 10)));
  const more = advice.length - shown.length;
  return more > 0 ? [...shown, `${more} more: see the JSON report`] : shown;
}

function words(advice: Advice, today: string): string {
  switch (advice.kind) {
    case 'release': {
      const { input, release, newest, supportedUntil } = advice;
      const support = today > supportedUntil ? 'has had no support since' : 'is supported until';
      return `${oneName(input)} is at release ${release}, which ${support} ${supportedUntil}; the newest release is ${newest}`;
    }
    case 'copies': {
      const { input, copies, paths, line } = advice;
      const where = paths.map((path) => oneLine(path, 100)).join(', ');
      const way = line === null ? '' : `; this line takes one away: ${oneLine(line, 300)}`;
      return `${oneName(input)} is locked ${copies} times (${where}${copies > paths.length ? ', …' : ''}), each fetched and evaluated by itself${way}`;
    }
    case 'still':
      return `${oneName(advice.input)} has had no new revision since ${advice.date}`;
  }
}
