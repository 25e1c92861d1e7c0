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
        'accept answers without the run key, from everybody with access to the Temporal server (for example in its UI)',
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
