import { hostname } from 'node:os';
import type { ScheduleOptions, ScheduleOptionsStartWorkflowAction, Workflow } from '@temporalio/client';
import type { Configuration } from '../../model/config/read.js';
import type { Instance } from '../../model/config/options/index.js';
import { scheduledRunId, scheduleId } from '../../model/run/ids.js';
import type { RunOptions } from '../../model/run/options.js';
import { scheduleSpec } from '../options/schedule-spec.js';
import { startOptions } from '../runs/start-run.js';

/** A schedule as it should be on the server. */
export type Desired = Required<Pick<ScheduleOptions, 'scheduleId' | 'spec' | 'policies'>> & {
  readonly memo: Ownership;
  readonly action: ScheduleOptionsStartWorkflowAction<Workflow>;
};

/** What marks a schedule as ours, in its memo, which the server never changes. */
export interface Ownership extends Record<string, unknown> {
  /** Name of the configuration. */
  readonly lockkeeper: string;
  readonly instance: string;
}

/** Whose schedules these are. Without a name the host tells configurations apart: none removes what another one made. */
export const ownerOf = (configuration: Configuration): string => configuration.name ?? hostname();

/** As long as the server allows: what was missed in all that time is made up for by one run, or by two. */
const CATCH_UP_MS = 365 * 86_400_000;
/** The server takes no less than 10 seconds; a minute also lets a busy server be late. */
const NO_CATCH_UP_MS = 60_000;

/** `overlap` as the server has it. A run can only give way to one that has started. */
export const OVERLAPS = { wait: 'BUFFER_ONE', skip: 'SKIP', supersede: 'ALLOW_ALL' } as const;

/** The schedule of an instance whose runs are asked for `options`. */
export function desiredSchedule(owner: string, instance: Instance, options: RunOptions): Desired {
  const ownership: Ownership = { lockkeeper: owner, instance: instance.name };
  return {
    scheduleId: scheduleId(instance.name),
    memo: ownership,
    spec: scheduleSpec(instance, `instances.${instance.name}.schedule`),
    policies: {
      overlap: OVERLAPS[instance.overlap],
      catchupWindow: instance.persistent ? CATCH_UP_MS : NO_CATCH_UP_MS,
      pauseOnFailure: false,
    },
    action: {
      type: 'startWorkflow',
      workflowType: 'updateFlake',
      workflowId: scheduledRunId(instance.name, options.repository),
      ...startOptions(options),
    },
  };
}
