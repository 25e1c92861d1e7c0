import type { RunOptions } from '../../run/options.js';
import { flag, span } from '../kinds.js';
import { option, type Values } from './types.js';

const DAY = 86_400;
const needs = ['approval.enable'];

export const approval = {
  approval: {
    doc: 'Asking a person before anything lands.',
    options: {
      enable: option(flag, false, 'true', 'ask before landing', { flag: '--approve' }),
      deadlineSec: option(span(1), 7 * DAY, '"2d"', 'how long a run waits for an answer before it ends as expired', {
        flag: '--approval-deadline <span>',
        needs,
      }),
      reminderSec: option(span(1), DAY, '"12h"', 'how often people are reminded meanwhile', {
        flag: '--approval-reminder <span>',
        needs,
      }),
      withoutKey: option(
        flag,
        false,
        'true',
        'let everybody who reaches the Temporal server answer, for example in its UI, without the run key',
        { flag: '--approve-without-key', needs },
      ),
    },
  },
};

export const approvalOf = ({
  approval: { enable, deadlineSec, reminderSec, withoutKey },
}: Values<typeof approval>): Pick<RunOptions, 'approval'> => ({
  approval: enable
    ? { deadlineSeconds: deadlineSec, reminderSeconds: reminderSec, ...(withoutKey ? { withoutKey } : {}) }
    : null,
});
