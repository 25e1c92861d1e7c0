/**
 * Types of the non-retryable failures that activities and workflows throw, named after the situation.
 * They appear as `type` in Temporal's history and decide what the client prints; messages name field, value and way out.
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
  'UnknownHost',
  'UnknownBranch',
  'RemoteUnreachable',
  'RemoteReadOnly',
  'PushRejected',
  'TokenFile',
  'SubmodulesUnsupported',
  'LfsUnsupported',
  'Sha256Unsupported',
  'BundleTooLarge',
  'CandidateDamaged',
  'GitUnusable',
  'NixUnusable',
  'NixConfigRefused',
  'NoTargets',
  'RepositoryBusy',
  'MainKeepsMoving',
  'BadOptions',
  'RunRefused',
  'NoBuilder',
  'LogUnavailable',
] as const;
export type FailureType = (typeof FAILURES)[number];
