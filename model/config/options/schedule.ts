import { checkCalendar } from '../checks.js';
import { flag, maybe, oneOf, oneOrMore, span, text } from '../kinds.js';
import { option } from './types.js';

/** More looks than that would be a load for a remote. */
const LEAST_POLL_SECONDS = 10;

export const schedule = {
  enable: option(flag, true, 'false', 'whether the instance has a schedule; `lockkeeper run` starts it all the same'),
  schedule: option(
    oneOrMore(text('a calendar expression', checkCalendar), 'calendar expressions'),
    ['weekly'],
    '"Sun *-*-1..7,15..21 02:00:00"',
    'when runs start: calendar expressions as in systemd.time(7), one or several',
  ),
  poll: option(
    maybe(span(LEAST_POLL_SECONDS)),
    null,
    '"5min"',
    'of an instance that verifies: [look at the main branch](channels.md#watching-main) so often, and verify it when it has moved; the options of its schedule do not count then (default: it has a schedule)',
  ),
  randomizedDelaySec: option(span(0), 3600, '"30min"', 'random delay of each start, at most this long'),
  persistent: option(
    flag,
    true,
    'false',
    'whether a run that was missed while the server was down is started once when it is back',
  ),
  overlap: option(
    oneOf(['wait', 'skip', 'supersede']),
    'wait',
    '"supersede"',
    'what happens when a run is due while the last one is still open, perhaps waiting for approval: it starts after that one (`wait`; at most one waits), does not start (`skip`), or starts at once and replaces one that waits for approval (`supersede`)',
  ),
  repositoryWaitSec: option(span(0), 3600, '"6h"', 'how long a run waits for another run of the same repository'),
};
