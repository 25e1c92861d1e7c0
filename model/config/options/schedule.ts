import { checkCalendar } from '../checks.js';
import { flag, oneOf, oneOrMore, span, text } from '../kinds.js';
import { option } from './types.js';

export const schedule = {
  enable: option(flag, true, 'false', 'whether the instance has a schedule; `lockkeeper run` starts it all the same'),
  schedule: option(
    oneOrMore(text('a calendar expression', checkCalendar), 'calendar expressions'),
    ['weekly'],
    '"Sun *-*-1..7,15..21 02:00:00"',
    'when runs start: calendar expressions as in systemd.time(7), one or several',
  ),
  randomizedDelaySec: option(span(0), 3600, '"30min"', 'each run starts up to so much later, at random'),
  persistent: option(
    flag,
    true,
    'false',
    'whether a start that was missed while the server was down is made up for, once',
  ),
  overlap: option(
    oneOf(['wait', 'skip', 'supersede']),
    'wait',
    '"supersede"',
    'what happens when a run is due while the last one of the schedule is open, also one that waits for approval: it starts after that (`wait`; one at most), not at all (`skip`), or at once, and one that waits gives way to it (`supersede`)',
  ),
  repositoryWaitSec: option(span(0), 3600, '"6h"', 'how long a run waits for another one of its repository'),
};
