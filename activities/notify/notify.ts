import { Context } from '@temporalio/activity';
import type { CoordinatorActivities } from '../../model/contract/activities.js';
import { notifiers } from '../../model/notify/index.js';
import { oneLine } from '../../model/text/one-line.js';
import type { ActivityEnvironment } from '../environment.js';
import { systemCode } from '../../host/errors.js';
import { NotifierFault } from './fault.js';
import { tellers } from './index.js';

const ERROR_BYTES = 1000;

/**
 * Sends one event to one notifier. A notifier that fails is a result, never an exception: it must not fail a run. Only
 * the activity's cancellation throws. Each notifier looks for the event's mark first, so that a repeat is skipped.
 */
export const createNotify =
  (env: ActivityEnvironment): CoordinatorActivities['notify'] =>
  async (input) => {
    const { notifier, event } = input;
    try {
      Context.current().cancellationSignal.throwIfAborted();
      if (notifiers[notifier].wants(input.options, input))
        await tellers[notifier].tell(input, Context.current().cancellationSignal);
      return { notifier, event, ok: true, error: null };
    } catch (error) {
      Context.current().cancellationSignal.throwIfAborted();
      // Other errors are not made for people, and might quote what they stumbled over.
      const reason =
        error instanceof NotifierFault ? error.message : `${notifier} failed (${systemCode(error) ?? 'unknown error'})`;
      return { notifier, event, ok: false, error: oneLine(`${reason} (on ${env.hostName})`, ERROR_BYTES) };
    }
  };
