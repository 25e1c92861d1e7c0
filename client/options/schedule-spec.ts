import type { ScheduleSpec } from '@temporalio/client';
import { parseCalendar, toScheduleSpec } from '../../model/calendar/index.js';
import type { InstanceOptions } from '../../model/config/options/index.js';
import { timeZoneOf } from '../../model/config/options/landing.js';

/** @throws BadInput for what a Temporal schedule cannot say */
export function scheduleSpec(options: InstanceOptions, field: string): ScheduleSpec {
  const events = options.schedule.map((each) => parseCalendar(each, field));
  return {
    ...toScheduleSpec(events, { timeZone: timeZoneOf(options), field }),
    jitter: options.randomizedDelaySec * 1000,
  };
}
