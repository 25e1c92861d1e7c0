import { failureOf } from '../../model/config/options/failure.js';
import { completed } from '../../model/config/read-options.js';
import { normaliseUrl, optionsDigest } from '../../model/run/keys.js';
import { wholeOptions } from '../../model/run/earlier.js';
import type { RunOptions } from '../../model/run/options.js';
import type { Session } from '../server/connection.js';

/** Digest of an update: the same for FLAKE as a checkout and as a URL of the same remote. */
export function sameUpdateDigest(options: RunOptions): string {
  const { repository } = options;
  return optionsDigest({
    ...options,
    // Another version of the command asks for the same update.
    format: undefined,
    repository: { ...repository, url: normaliseUrl(repository.url), displayUrl: '', checkout: null },
  });
}

/**
 * Whether an open run was asked for this very update by an earlier version, which had fewer options. Options that it did not have
 * count as not set: after an upgrade the same command attaches to the run in progress.
 */
export async function wasAskedEarlier(session: Session, run: string, options: RunOptions): Promise<boolean> {
  const earlier = await optionsOf(session, run);
  return earlier !== null && withUsual(earlier) === withUsual(options);
}

const USUAL = completed({}, {});

function withUsual(options: RunOptions): string {
  const usual = failureOf(USUAL, { land: options.landing.mode, hasAgent: false });
  return sameUpdateDigest(wholeOptions({ ...usual, ...options }));
}

/** The options in the first event of a run's history. */
async function optionsOf({ client, namespace }: Session, run: string): Promise<RunOptions | null> {
  const { defaultPayloadConverter } = await import('@temporalio/common');
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace,
    execution: { workflowId: run },
    maximumPageSize: 1,
  });
  const [payload] = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  return payload === undefined ? null : defaultPayloadConverter.fromPayload<RunOptions>(payload);
}
