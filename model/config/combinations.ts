import { checkPathPatterns } from '../checks/names.js';
import { mayBringToMain, waysOfLanding } from '../landing/index.js';
import { checkFailureSteps, checkPinned } from '../run/failure-steps.js';
import { inputOfTwoGroups } from '../run/input-groups.js';
import { cacheNamedTwice } from './options/caches.js';
import { TOKEN_MISSING } from './options/forge.js';
import { gatesOf } from './options/gates.js';
import { fault, rule, type Rule } from './rule.js';
import { checkTargetPatterns, chooseRequired } from '../targets/choose.js';
import { DEFAULT_KIND } from '../targets/index.js';

/** Of a branch that names of inputs follow. */
const LONGEST_BEGINNING = 90;

/** What shapes pull requests does nothing for other ways of landing. */
const forRequests = (option: 'perInput' | 'perRun'): Rule =>
  rule([option, 'land', 'dryRun'], ({ [option]: isAsked, land, dryRun }, { name }) =>
    isAsked && !dryRun && !waysOfLanding[land].asksForge
      ? fault(
          option,
          true,
          `is for pull requests, but ${name('land')} is ${land}: give ${name('land')} as pull-request, or leave it out.`,
        )
      : null,
  );

/** What cannot be meant together, though each option is right by itself. */
export const COMBINATIONS: readonly Rule[] = [
  rule(['flakeInputs', 'excludeInputs'], ({ flakeInputs, excludeInputs }, { name }) =>
    flakeInputs.length > 0 && excludeInputs.length > 0
      ? fault(
          'excludeInputs',
          excludeInputs.join(', '),
          `leaves inputs out of all, but ${name('flakeInputs')} names them already: leave one of them out.`,
        )
      : null,
  ),
  rule(['inputGroups'], ({ inputGroups }) => {
    const twice = inputOfTwoGroups(inputGroups);
    return twice === null ? null : fault('inputGroups', twice, 'is in two groups: take it out of one.');
  }),
  rule(['inputGroups'], ({ inputGroups }) =>
    inputGroups.some((group) => group.length === 0)
      ? fault('inputGroups', inputGroups, 'has an empty group: name inputs in it, or take it out.')
      : null,
  ),
  rule(['flakeInputs', 'excludeInputs', 'inputGroups', 'perInput'], (options, { name }) => {
    const { flakeInputs, excludeInputs, inputGroups, perInput } = options;
    const other = flakeInputs.length > 0 ? 'flakeInputs' : excludeInputs.length > 0 ? 'excludeInputs' : null;
    return inputGroups.length === 0 || other === null || perInput
      ? null
      : fault('inputGroups', inputGroups, `says which inputs move, and so does ${name(other)}: leave one of them out.`);
  }),
  rule(['skipUpdate', 'mode'], ({ skipUpdate, mode }) =>
    skipUpdate && mode === 'verify'
      ? fault('skipUpdate', true, 'compares a commit with main, but mode is "verify": leave one of them out.')
      : null,
  ),
  rule(['statuses', 'mode'], ({ statuses, mode }, { name }) =>
    statuses && mode === 'update'
      ? fault('statuses', true, `is for instances that verify main: give ${name('mode')} as verify, or leave it out.`)
      : null,
  ),
  rule(['poll', 'mode'], ({ poll, mode }, { name }) =>
    poll !== null && mode === 'update'
      ? fault('poll', poll, `is for instances that verify main: give ${name('mode')} as verify, or leave it out.`)
      : null,
  ),
  rule(['poll', 'failuresPause'], ({ poll, failuresPause }, { name }) =>
    poll !== null && failuresPause
      ? fault(
          'failuresPause',
          true,
          `pauses schedules, and with ${name('poll')} there is none: runs that fail are tried again with growing pauses. Leave one of them out.`,
        )
      : null,
  ),
  rule(['buildBase', 'maxBuilds'], ({ buildBase, maxBuilds }, { name }) =>
    buildBase && maxBuilds !== null
      ? fault('buildBase', 'true', `builds what ${name('maxBuilds')} does not count: leave one of them out.`)
      : null,
  ),
  rule(['buildSystems', 'exclude'], ({ buildSystems, exclude }, { name }) =>
    buildSystems.length > 0 && exclude !== null
      ? fault(
          'exclude',
          exclude,
          `leaves hosts out of all, but ${name('buildSystems')} names them already: leave one of them out.`,
        )
      : null,
  ),
  rule(['targets'], ({ targets }, { place }) => {
    checkTargetPatterns(targets, place('targets'));
    return null;
  }),
  rule(['targets', 'buildSystems', 'exclude'], ({ targets, buildSystems, exclude }, { name }) => {
    const other = buildSystems.length > 0 ? 'buildSystems' : exclude !== null ? 'exclude' : null;
    return targets.length === 0 || other === null
      ? null
      : fault(
          'targets',
          targets,
          `says what is built, and so does ${name(other)}: leave one of them out. Hosts are nixos:NAME, and !nixos:NAME is left out.`,
        );
  }),
  rule(['buildSystems', 'require'], ({ buildSystems, require }, { name }) => {
    const missing =
      require === 'all' || buildSystems.length === 0
        ? []
        : chooseRequired(
            require,
            buildSystems.map((name) => ({ kind: DEFAULT_KIND, name })),
          ).unknown;
    return missing.length === 0
      ? null
      : fault('require', missing.join(', '), `is not built: add it to ${name('buildSystems')}.`);
  }),
  rule(['approval', 'land'], ({ approval, land }) =>
    approval.enable && !waysOfLanding[land].lands
      ? fault('approval.enable', true, 'asks before landing, but a dry run lands nothing: leave one of them out.')
      : null,
  ),
  forRequests('perInput'),
  rule(['perInput', 'approval'], ({ perInput, approval }, { name }) =>
    perInput && approval.enable
      ? fault(
          'perInput',
          true,
          `opens several requests, each of which is approved by merging it, but ${name('approval.enable')} asks about one update: leave one of them out.`,
        )
      : null,
  ),
  rule(['perInput', 'merge'], ({ perInput, merge }, { name }) =>
    perInput && merge !== 'never'
      ? fault(
          'merge',
          merge,
          `would merge requests that were verified one by one, and never together: with ${name('perInput')} ${name('merge')} must be never.`,
        )
      : null,
  ),
  forRequests('perRun'),
  rule(['perRun', 'perInput'], ({ perRun, perInput }, { name }) =>
    perRun && perInput
      ? fault(
          'perRun',
          true,
          `opens one request for all inputs, and ${name('perInput')} one for each: leave one of them out.`,
        )
      : null,
  ),
  rule(['perRun', 'branchPrefix'], ({ perRun, branchPrefix }, { name }) =>
    perRun && !branchPrefix.endsWith('-')
      ? fault('branchPrefix', branchPrefix, `has date and time behind it with ${name('perRun')}: let it end with "-".`)
      : null,
  ),
  rule(['perInput', 'branch'], ({ perInput, branch }, { name }) =>
    perInput && branch.length > LONGEST_BEGINNING
      ? fault(
          'branch',
          branch,
          `is too long for ${name('perInput')}, which puts names of inputs behind it: give one of at most ${LONGEST_BEGINNING} characters.`,
        )
      : null,
  ),
  rule(['draft', 'merge'], ({ draft, merge }, { name }) =>
    draft && merge !== 'never'
      ? fault('draft', true, `can be merged by nobody, but ${name('merge')} is ${merge}: leave one of them out.`)
      : null,
  ),
  rule(['land', 'forge', 'httpsTokenFile'], ({ land, forge, httpsTokenFile }) =>
    waysOfLanding[land].asksForge && (forge.appId ?? forge.tokenFile ?? httpsTokenFile) === null
      ? fault('land', land, TOKEN_MISSING)
      : null,
  ),
  rule(['forge'], ({ forge: { tokenFile, appId, appKeyFile } }, { name }) => {
    if (appId !== null && appKeyFile === null)
      return fault('forge.appId', appId, `needs a key of the App: name its file with ${name('forge.appKeyFile')}.`);
    if (appKeyFile !== null && appId === null)
      return fault('forge.appKeyFile', appKeyFile, `needs the id of the App: give ${name('forge.appId')}.`);
    return appId === null || tokenFile === null
      ? null
      : fault('forge.tokenFile', tokenFile, `is not used beside ${name('forge.appId')}: leave one of them out.`);
  }),
  rule(['onFailure', 'autoFix'], ({ onFailure, autoFix }, { place, name }) => {
    if (onFailure === null) return null;
    checkFailureSteps(onFailure, place('onFailure'));
    if (onFailure.includes('autofix') === autoFix.enable) return null;
    const agent = name('autoFix.enable');
    return autoFix.enable
      ? fault('onFailure', onFailure, `does not ask the agent of ${agent}: add "autofix", or leave the agent out.`)
      : fault('onFailure', onFailure, `asks an agent, but there is none: give ${agent}, or take "autofix" out.`);
  }),
  rule(['autoFix'], ({ autoFix }, { place }) => {
    checkPathPatterns(autoFix.protectedPaths, place('autoFix.protectedPaths'));
    return null;
  }),
  rule(['pinnedInputs', 'neverHoldBack'], ({ pinnedInputs, neverHoldBack }, { place, name }) => {
    checkPinned(pinnedInputs, neverHoldBack, [place('pinnedInputs'), name('neverHoldBack')]);
    return null;
  }),
  rule(['caches'], ({ caches }) => {
    const twice = cacheNamedTwice(caches);
    return twice === null ? null : fault('caches', twice, 'is given twice: leave one of them out.');
  }),
  rule(['gates', 'gatesWarn', 'gateTimeoutSec'], (options, { place }) => {
    gatesOf(options, {
      required: place('gates'),
      warning: place('gatesWarn'),
      timeoutSeconds: place('gateTimeoutSec'),
    });
    return null;
  }),
];

/** What has to hold where the repository is an option, and not an argument. */
export const REPOSITORY_RULES: readonly Rule[] = [
  rule(['repoPath', 'repoUrl'], ({ repoPath, repoUrl }) => {
    if (repoPath === null && repoUrl === null)
      return fault('repoPath', '', 'is missing: name the folder of the flake, or its repository with repoUrl.');
    if (repoPath !== null && repoUrl !== null)
      return fault('repoUrl', repoUrl, 'names the repository a second time, beside repoPath: leave one of them out.');
    return null;
  }),
  rule(['skipUpdate', 'repoUrl', 'mainBranch', 'against'], ({ skipUpdate, repoUrl, mainBranch, against }) =>
    skipUpdate && repoUrl !== null && (against ?? mainBranch) === mainBranch
      ? fault(
          'skipUpdate',
          true,
          `would compare ${mainBranch} with itself, because repoUrl has no checkout: name another branch with against.`,
        )
      : null,
  ),
  rule(['repoUrl', 'gitRemote'], ({ repoUrl, gitRemote }) =>
    repoUrl !== null && gitRemote !== null
      ? fault(
          'gitRemote',
          gitRemote,
          'names a remote of a checkout, but repoUrl is an address already: leave one of them out.',
        )
      : null,
  ),
];

/** What only a new pull request is given. */
const OF_REQUESTS = ['labels', 'assignees', 'reviewers', 'milestone', 'draft'] as const;

/** What does nothing, where all that is given is meant: nothing is inherited on a command line. */
export const IDLE_RULES: readonly Rule[] = [
  rule(['channel', 'mode', 'land', 'merge', 'mergeMethod'], (options, { name }) => {
    const { channel, mode, land, merge, mergeMethod } = options;
    if (channel === null || mode !== 'update' || mayBringToMain(options)) return null;
    const isLeft = merge === 'never' || !waysOfLanding[land].asksForge;
    return fault(
      'channel',
      channel,
      `moves only to commits of main that were verified, but ${isLeft ? `${name('land')} is ${land}` : `${name('mergeMethod')} is ${mergeMethod ?? ''}`}: leave it out here, and give it to "lockkeeper verify".`,
    );
  }),
  rule(['removeOldBranches', 'land'], ({ removeOldBranches, land }, { name }) =>
    removeOldBranches && (waysOfLanding[land].asksForge || !waysOfLanding[land].makesBranches)
      ? fault(
          'removeOldBranches',
          true,
          `is for updates that land as a branch, but ${name('land')} is ${land}: leave one of them out.`,
        )
      : null,
  ),
  rule([...OF_REQUESTS, 'forge', 'openWithoutChange', 'merge', 'land'], (options, { name }) => {
    const { forge, openWithoutChange, merge, land } = options;
    if (waysOfLanding[land].asksForge) return null;
    const idle = `is for pull requests, but ${name('land')} is ${land}: leave one of them out.`;
    for (const each of OF_REQUESTS) {
      const value = options[each];
      if (value !== null && value !== false && !(Array.isArray(value) && value.length === 0))
        return fault(each, value, idle);
    }
    if (openWithoutChange) return fault('openWithoutChange', true, idle);
    if (merge !== 'never') return fault('merge', merge, idle);
    const { kind, url, tokenFile, appId } = forge;
    if (kind !== null) return fault('forge.kind', kind, idle);
    if (url !== null) return fault('forge.url', url, idle);
    if (appId !== null) return fault('forge.appId', appId, idle);
    return tokenFile === null ? null : fault('forge.tokenFile', tokenFile, idle);
  }),
  rule(['merge', 'mergeMethod'], ({ merge, mergeMethod }, { name }) =>
    merge === 'never' && mergeMethod !== null
      ? fault('mergeMethod', mergeMethod, `does nothing where a person merges: give ${name('merge')} as forge or self.`)
      : null,
  ),
];
