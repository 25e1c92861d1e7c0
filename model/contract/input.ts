import type {
  BuilderActivities,
  CoordinatorActivities,
  EvaluatorActivities,
  MachineActivities,
  PresenceActivities,
} from './activities.js';
import type { MoveChannelsInput, SeenBranch } from './landing.js';
import type { FindRequestsInput, NewestWords, SeenRequest } from './requests.js';
import type { EachRequest, RequestPart } from '../landing/parts.js';
import type { PlanBuildsInput } from './verification.js';
import type { SandboxLimits } from '../sandbox/limits.js';
import type { Watched } from '../instance/record.js';
import type { InsteadOf } from '../report/data.js';
import type {
  AutofixOptions,
  Comparison,
  ForgeOptions,
  GuardRules,
  NixSettings,
  NotifyOptions,
  Repository,
  Transport,
} from '../run/options.js';
import type { Candidate } from '../verify/candidate.js';
import { AGENT_NETWORKS, type AgentRights } from '../sandbox/sandbox.js';
import { readCache } from '../config/cache.js';
import { checkChannelTemplate } from '../channels/names.js';
import { checkInstanceName, checkLine } from '../config/checks.js';
import { checkGateName, checkGateWords, PRESETS, type Gate } from '../gates/gate.js';
import {
  BadInput,
  checkAccount,
  checkAgentArgument,
  checkAgentCommand,
  checkBranchName,
  checkBranchPrefix,
  checkHomePath,
  checkHostName,
  checkIncludedFile,
  checkInputName,
  checkLabel,
  checkNixOption,
  checkNtfyTopic,
  checkPackageName,
  checkPathPattern,
  checkPerson,
  checkRegExp,
  checkReviewer,
  checkServerUrl,
  checkSource,
} from '../checks/names.js';
import { checkAppId, checkForgeUrl, isRepositoryPath } from '../forge/address.js';
import { FORGE_KINDS } from '../forge/kinds.js';
import { MERGE_METHODS, MERGERS } from '../forge/merging.js';
import { SIGNING_FORMATS, type Signing } from '../git/signing.js';
import { notifiers } from '../notify/index.js';
import { LANDING_MODES } from '../run/options.js';
import { checkTargetPattern, isTargetName } from '../targets/choose.js';
import { targetKindNames, type Target } from '../targets/index.js';
import { redactUrl, utf8Length } from '../text/text.js';
import {
  type Check,
  refuse,
  asObject,
  object,
  text,
  orMissing,
  orNull,
  list,
  orAll,
  matching,
  oneOf,
  flag,
} from './shape.js';

/**
 * What every activity refuses to work with. A run's options are checked by the client, but anybody who reaches the Temporal
 * server can start a run without it. So what comes out of a workflow is looked at again before it becomes an argument, a
 * path or a ref: by the name of the field, whatever activity it is for. Fields that no activity has are passed over.
 */
export function checkActivityInput(input: unknown): void {
  const fields = asObject('the input', input);
  for (const [name, check] of Object.entries(FIELDS)) if (Object.hasOwn(fields, name)) check(fields[name], name);
}

type Activities = CoordinatorActivities &
  EvaluatorActivities &
  BuilderActivities &
  PresenceActivities &
  MachineActivities;
type InputOf<A> = A extends (input: infer Input) => unknown ? (unknown extends Input ? never : Input) : never;
type NamesIn<T> = T extends object ? keyof T : never;
type Field = NamesIn<InputOf<Activities[keyof Activities]>>;

const commit = matching(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, 'is not a full commit: 40 or 64 hexadecimal digits.');
const absolutePath = matching(/^\/[^\p{Cc}]*$/u, 'is not an absolute path without control characters.');
const folderInside = matching(
  /^(?!\/)(?!(?:.*\/)?\.\.(?:\/|$))[^\p{Cc}]*$/u,
  'is not a folder inside the repository: give a relative path without "..".',
);

/** Transports of Git that are commands: git-remote-ext(1), git-remote-fd(1). A dash at the start would be an option. */
const COMMAND_TRANSPORT = /^(?:ext|fd)::/i;

function checkRemote(url: string, field: string): void {
  const shown = redactUrl(url);
  if (url === '' || /\p{Cc}/u.test(url)) throw new BadInput(field, shown, 'is empty or holds control characters.');
  if (COMMAND_TRANSPORT.test(url)) throw new BadInput(field, shown, 'is a command: give the address of a repository.');
  if (/^-|^[^/]*@-|:\/\/(?:[^/]*@)?-/.test(url)) throw new BadInput(field, shown, 'starts with a dash.');
  if (/:\/\/[^/?#\s]*:[^/?#\s]*@/.test(url)) {
    throw new BadInput(
      field,
      shown,
      'holds a password, which would be kept in the history: name a token file instead.',
    );
  }
}

/** Of what becomes no argument, path or ref, or is checked by the activity that makes one of it. */
const asData: Check = () => undefined;

const repository: Check = (value, field) => {
  const { url, local } = asObject(field, value);
  object<Repository>({
    url: local === true ? absolutePath : text(checkRemote),
    // What people are shown has to be what is worked on.
    displayUrl: (shown, where) => {
      if (typeof url !== 'string' || shown !== redactUrl(url)) throw refuse(where, shown, 'is not the URL.');
    },
    checkout: orNull(absolutePath),
    local: flag,
    mainBranch: text(checkBranchName),
    dir: folderInside,
    transport: object<Transport>({
      sshKeyFile: orNull(absolutePath),
      knownHostsFile: orNull(absolutePath),
      httpsTokenFile: orNull(absolutePath),
    }),
  })(value, field);
};

const nixOption: Check = (value, field) => {
  const [name, setting] = Array.isArray(value) ? (value as unknown[]) : [];
  if (typeof name !== 'string' || typeof setting !== 'string') throw refuse(field, value, 'is not a name and a value.');
  checkNixOption(name, setting, field);
};

const person: Check = (value, field) => {
  const { name, email } = asObject(field, value);
  if (typeof name !== 'string' || typeof email !== 'string') throw refuse(field, value, 'has no name and address.');
  checkPerson(`${name} <${email}>`, field);
};

const candidate = object<Candidate>({
  base: commit,
  head: commit,
  bundle: matching(/^[A-Za-z0-9+/]*={0,2}$/, 'is not base64.'),
  lockedBy: asData,
});
const derivation = matching(/^(?!.*\/\.\.?\/)\/[^\p{Cc}]+\.drv$/u, 'is not a path of a derivation.');
const storePath = matching(/^(?!.*\/\.\.?\/)\/[^\p{Cc}]+$/u, 'is not a path of a store.');
type Planned = PlanBuildsInput['planned'][number];
const evaluation = object<Planned['evaluation']>({
  drvPath: derivation,
  outPath: storePath,
  ...{ kind: asData, system: asData, machine: asData, seconds: asData, plan: asData },
});
const seconds: Check = (value, field) => {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw refuse(field, value, 'is not a time span.');
};

/** An argument of at most 128 KiB: what Linux lets one be (MAX_ARG_STRLEN of execve(2)). */
const checkPrompt = (value: string, field: string): void => {
  if (value.includes('\0') || utf8Length(value) >= 128 * 1024)
    throw refuse(field, value.slice(0, 80), 'is not an argument of a command: it is too long, or holds a NUL.');
};
const wholeNumber: Check = (value, field) => {
  if (!Number.isInteger(value) || (value as number) < 1) throw refuse(field, value, 'is not a whole number from 1 on.');
};
const patterns = list(text(checkPathPattern));
const limits = orMissing(
  object<SandboxLimits>({
    memoryBytes: orMissing(wholeNumber),
    tasks: orMissing(wholeNumber),
    diskBytes: orMissing(wholeNumber),
    files: orMissing(wholeNumber),
  }),
);
const agent = object<AutofixOptions>({
  command: text(checkAgentCommand),
  args: list(text(checkAgentArgument)),
  envFile: orNull(absolutePath),
  homePaths: list(text(checkHomePath)),
  network: orMissing(oneOf(AGENT_NETWORKS)),
  nixDaemon: orMissing(flag),
  limits,
  maxAttempts: asData,
  timeoutSeconds: seconds,
  rules: object<GuardRules>({ protected: patterns, maxFiles: wholeNumber, maxLines: wholeNumber }),
});

const target: Check = (value, field) => {
  object<Target>({ kind: oneOf(targetKindNames), name: text(() => undefined) })(value, field);
  if (!isTargetName(value as Target)) throw refuse(field, value, 'is the name of no such target.');
};

const FIELDS: Readonly<Record<Field, Check>> = {
  repository,
  hosts: orAll(list(text(checkHostName))),
  exclude: orNull(text(checkRegExp)),
  patterns: orMissing(list(text(checkTargetPattern))),
  lenient: orMissing(flag),
  inputs: orAll(list(text(checkInputName))),
  excludeInputs: orMissing(list(text(checkInputName))),
  inputGroups: orMissing(list(list(text(checkInputName)))),
  cooldown: orMissing(object({ seconds, inputs: list(object({ input: text(checkInputName), seconds })) })),
  mayGoBack: orMissing(flag),
  nix: object<NixSettings>({
    options: list(nixOption),
    impure: flag,
    acceptFlakeConfig: flag,
    accessTokensFile: orMissing(text(checkIncludedFile)),
    allowSources: orMissing(list(text(checkSource))),
  }),
  author: person,
  committer: person,
  date: seconds,
  signing: orMissing(object<Signing>({ format: oneOf(SIGNING_FORMATS), keyFile: absolutePath })),
  takeoverSeconds: seconds,
  base: commit,
  onto: commit,
  candidate,
  draft: candidate,
  fix: candidate,
  agent,
  secretFiles: orMissing(list(absolutePath)),
  agentRights: orMissing(
    object<AgentRights>({ network: oneOf(AGENT_NETWORKS), nixDaemon: flag, secretFiles: list(absolutePath), limits }),
  ),
  approved: orMissing(flag),
  attempt: wholeNumber,
  prompt: text(checkPrompt),
  branch: text(checkBranchName),
  fallbackBranch: text(checkBranchName),
  branchPrefix: orMissing(text(checkBranchPrefix)),
  branches: list(object<SeenBranch>({ branch: text(checkBranchName), commit })),
  commit,
  compares: object<Comparison>({
    revision: orMissing(text(checkBranchName)),
    against: orMissing(text(checkBranchName)),
  }),
  lock: orNull(commit),
  labels: list(text(checkLabel)),
  assignees: orMissing(list(text(checkAccount))),
  reviewers: orMissing(list(text(checkReviewer))),
  milestone: orMissing(text(checkLine)),
  asDraft: orMissing(flag),
  leftAlone: list(object<InsteadOf>({ branch: text(checkBranchName), reason: asData })),
  merge: orMissing(oneOf(MERGERS)),
  mergeMethod: orMissing(oneOf(MERGE_METHODS)),
  answers: orMissing(flag),
  asks: orMissing(flag),
  laterThan: orMissing(object<NewestWords>({ approval: orNull(wholeNumber), comment: orNull(wholeNumber) })),
  asksAgain: orMissing(flag),
  perRun: orMissing(flag),
  number: wholeNumber,
  part: orMissing(object<RequestPart>({ instance: text(checkInstanceName), inputs: list(text(() => undefined)) })),
  earlier: orMissing(
    object<NonNullable<FindRequestsInput['earlier']>>({ instance: text(checkInstanceName), perInput: flag }),
  ),
  each: orMissing(
    object<EachRequest>({
      instance: text(checkInstanceName),
      together: orMissing(flag),
      parts: list(
        object<EachRequest['parts'][number]>({ inputs: list(text(() => undefined)), request: orNull(wholeNumber) }),
      ),
      asked: orAll(list(text(checkInputName))),
      unknown: list(text(() => undefined)),
    }),
  ),
  requests: orMissing(list(object<SeenRequest>({ branch: text(checkBranchName), number: wholeNumber, state: asData }))),
  forge: (value, field) => {
    const isText = text(() => undefined);
    object<ForgeOptions>({
      kind: oneOf(FORGE_KINDS),
      url: text(checkForgeUrl),
      repository: isText,
      appId: orMissing(text(checkAppId)),
      tokenFile: absolutePath,
      follows: orMissing(flag),
    })(value, field);
    const { kind, repository } = value as ForgeOptions;
    if (!isRepositoryPath(kind, repository))
      throw refuse(`${field}.repository`, repository, 'is not of the form OWNER/NAME.');
  },
  evaluation,
  drvPath: derivation,
  siteDir: orMissing(absolutePath),
  siteUrl: orMissing(text(checkServerUrl)),
  replaces: orMissing(wholeNumber),
  before: orNull(storePath),
  after: storePath,
  bytes: wholeNumber,
  first: orMissing(list(text(checkPackageName))),
  baseError: orMissing(orNull(asData)),
  drvPaths: orMissing(list(orNull(derivation))),
  head: orMissing(commit),
  keep: seconds,
  outPath: storePath,
  brokenDrv: orMissing(derivation),
  cache: readCache,
  caches: orMissing(list(readCache)),
  uploads: wholeNumber,
  advisories: orMissing(absolutePath),
  instance: text(checkInstanceName),
  template: orMissing(text(checkChannelTemplate)),
  limitSeconds: seconds,
  seen: orMissing(commit),
  watched: list(object<Watched>({ instance: text(checkInstanceName), limitSeconds: seconds })),
  gate: object<Gate>({
    name: text(checkGateName),
    check: (value, field) => {
      const { kind, preset, words } = asObject(field, value);
      if (kind === 'preset') oneOf(PRESETS)(preset, `${field}.preset`);
      else {
        list(text(() => undefined))(words, `${field}.words`);
        checkGateWords(words as readonly string[], `${field}.words`);
      }
    },
    timeoutSeconds: seconds,
    required: asData,
  }),
  same: flag,
  comparison: orMissing(flag),
  isCompared: orMissing(flag),
  mode: oneOf(LANDING_MODES),
  target,
  targets: list(target),
  channels: list(
    object<MoveChannelsInput['channels'][number]>({ branch: text(checkBranchName), target: asData, stays: asData }),
  ),
  derivations: list(derivation),
  planned: list(object<Planned>({ target, evaluation })),
  notifier: oneOf(Object.keys(notifiers)),
  // Of `notify`.
  options: object<NotifyOptions>({
    ntfy: orNull(
      object<NonNullable<NotifyOptions['ntfy']>>({
        server: text(checkServerUrl),
        topic: text(checkNtfyTopic),
        tokenFile: orNull(absolutePath),
      }),
    ),
    inboxOrg: orNull(absolutePath),
  }),
  ...{ run: asData, lockWorkflowId: asData, queue: asData, event: asData, at: asData, timeZone: asData },
  ...{ outcome: asData, endedAt: asData, limit: asData, report: asData, alarm: asData },
  ...{ message: asData, named: asData, moved: asData, move: asData, commands: asData },
  ...{ logPath: asData, offset: asData, pending: asData, stands: asData, moving: asData },
};
