import type { AgentNetwork } from '../../model/autofix/sandbox.js';
import type { LandingMode } from '../../model/run/options.js';

/** Options of `lockkeeper update` as commander gives them: `undefined` is "not given". */
export interface UpdateFlags {
  readonly input?: readonly string[];
  readonly excludeInput?: readonly string[];
  readonly host?: readonly string[];
  readonly exclude?: string;
  readonly require?: readonly string[];
  readonly land?: LandingMode;
  readonly dryRun?: true;
  readonly approve?: true;
  readonly approvalDeadline?: number;
  readonly approvalReminder?: number;
  readonly approveWithoutKey?: true;
  readonly onFailure?: readonly string[];
  readonly neverHoldBack?: readonly string[];
  /** Each is `INPUT YYYY-MM-DD REASON`. */
  readonly pin?: readonly string[];
  readonly heldBackAlarm?: number;
  readonly strict?: true;
  readonly autofix?: string;
  readonly autofixArg?: readonly string[];
  readonly autofixEnvFile?: string;
  readonly autofixHomePath?: readonly string[];
  readonly autofixNetwork?: AgentNetwork;
  readonly autofixNixDaemon?: true;
  readonly autofixProtect?: readonly string[];
  readonly autofixMaxFiles?: number;
  readonly autofixMaxLines?: number;
  readonly autofixTimeout?: number;
  readonly maxAttempts?: number;
  readonly gate?: readonly string[];
  readonly gateWarn?: readonly string[];
  readonly gateTimeout?: number;
  readonly remote?: string;
  readonly main?: string;
  readonly branchPrefix?: string;
  readonly removeOldBranches?: true;
  readonly timeZone?: string;
  readonly author?: string;
  readonly committer?: string;
  readonly ntfyServer?: string;
  readonly ntfyTopic?: string;
  readonly ntfyTokenFile?: string;
  readonly inboxOrg?: string;
  readonly withWorker?: true;
  readonly slots?: number;
  readonly evalSlots?: number;
  readonly takeoverTime?: number;
  readonly builderWait?: number;
  /** Each is `NAME VALUE`. */
  readonly nixOption?: readonly string[];
  readonly impure?: true;
  readonly acceptFlakeConfig?: true;
  readonly sshKeyFile?: string;
  readonly knownHostsFile?: string;
  readonly httpsTokenFile?: string;
  readonly accessTokensFile?: string;
  readonly allowSource?: readonly string[];
}
