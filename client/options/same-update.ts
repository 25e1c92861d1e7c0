import { failureOf } from '../../model/config/options/failure.js';
import { completed } from '../../model/config/read-options.js';
import { normaliseUrl, optionsDigest } from '../../model/run/keys.js';
import type { RunOptions } from '../../model/run/options.js';
import type { Session } from '../server/connection.js';

/** The same update of the same remote is one, whether FLAKE was a checkout or a URL. */
export function sameUpdateDigest(options: RunOptions): string {
  const { repository } = options;
  return optionsDigest({
    ...options,
    // The version of who asks makes no other update of it.
    format: undefined,
    repository: { ...repository, url: normaliseUrl(repository.url), displayUrl: '', checkout: null },
  });
}

/**
 * Whether an open run was asked for this very update by an earlier version, which had fewer options: those that it does not
 * have are taken as if nobody had asked for anything. Who upgrades in mid-run and types the same words again means that run.
 */
export async function wasAskedEarlier(session: Session, run: string, options: RunOptions): Promise<boolean> {
  const earlier = await optionsOf(session, run);
  return earlier !== null && withUsual(earlier) === withUsual(options);
}

/** What holds where nothing is asked. */
const USUAL = completed({}, {});

function withUsual(options: RunOptions): string {
  const { landing, autofix = null } = options;
  const { network, nixDaemon } = USUAL.autoFix;
  const agent = autofix === null ? null : { network, nixDaemon, ...autofix };
  const usual = failureOf(USUAL, { land: landing.mode, hasAgent: false });
  return sameUpdateDigest({ ...usual, gates: [], ...options, autofix: agent });
}

/** What a run was started with, as its history has it. */
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
