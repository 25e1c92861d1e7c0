/* eslint-disable no-restricted-syntax -- everybody else makes failures by what is here */
import { ApplicationFailure, type Duration } from '@temporalio/common';
import { truncate } from '../text/text.js';

/**
 * Types of all failures that activities, workflows and workers make, named after the situation. They appear as `type` in
 * Temporal's history and decide what the client prints; messages name field, value and way out.
 */
export const FAILURES = [
  'NotAGitRepository',
  'NoFlake',
  'FlakeDoesNotParse',
  'LockUnreadable',
  'UnknownInput',
  'NoInputs',
  'InputsUnreachable',
  'SourceRefused',
  'InputTooNew',
  'UnknownHost',
  'UnknownBranch',
  'RemoteUnreachable',
  'RemoteReadOnly',
  'PushRejected',
  'ForgeUnreachable',
  'ForgeRefused',
  'TokenFile',
  'SigningKey',
  'SubmodulesUnsupported',
  'LfsUnsupported',
  'Sha256Unsupported',
  'BundleTooLarge',
  'CandidateDamaged',
  'GitUnusable',
  'NixUnusable',
  'NoTargets',
  'RepositoryBusy',
  'MainKeepsMoving',
  'RequestsFailed',
  'BadOptions',
  'RunRefused',
  'LogUnavailable',
  'NotRemoved',
  // A message that a run does not take.
  'NotHeldBack',
  'NotWaiting',
  // What the machine did, or what became of a worker: the next try may go better.
  'NixFault',
  'BuildInfrastructure',
  'SupervisorFailed',
  'AttemptGivenUp',
  'WorkerRestarted',
  'WorkerStopped',
] as const;
export type FailureType = (typeof FAILURES)[number];

/** Room for the message of a failure. */
export const MESSAGE_BYTES = 4 * 1024;

/** A failure that no retry cures. */
export const finalFailure = (type: FailureType, message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(truncate(message, MESSAGE_BYTES), type);

/** A failure that may pass: Temporal tries again, as the step's retry policy has it. */
export const passingFailure = (
  type: FailureType,
  message: string,
  again: { readonly details?: unknown[]; readonly nextRetryDelay?: Duration } = {},
): ApplicationFailure =>
  ApplicationFailure.create({ type, message: truncate(message, MESSAGE_BYTES), nonRetryable: false, ...again });

/**
 * The failure of a run that a step failed. The type is the step's, also one that is not in the list: Temporal has some of its
 * own, and a worker of another version may have others.
 */
export const failureOfRun = (cause: { readonly type: string; readonly message: string }, report: unknown) =>
  ApplicationFailure.nonRetryable(cause.message, cause.type, report);

export const isFailure = (error: unknown, type: FailureType): boolean =>
  error instanceof ApplicationFailure && error.type === type;

/** Whether no other try would change this failure. */
export const isFinal = (error: unknown): error is ApplicationFailure =>
  error instanceof ApplicationFailure && error.nonRetryable === true;
