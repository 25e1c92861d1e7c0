import type { NotifyInput } from '../../model/contract/activities.js';
import { ntfy } from './ntfy.js';
import { org } from './org.js';
import type { Notifier } from './types.js';

export const notifiers = { ntfy, org } satisfies Record<NotifyInput['notifier'], Notifier>;
