import { waysOfLanding } from '../../model/landing/index.js';
import { notifySummary } from '../../model/notify/index.js';
import type { Gate } from '../../model/gates/gate.js';
import { compareNaturally } from '../../model/text/natural-order.js';
import { BUILDER_WAIT_SECONDS, TAKEOVER_SECONDS } from '../../model/run/defaults.js';
import { wholeOptions, type WholeOptions } from '../../model/run/earlier.js';
import type { AutofixOptions, Cooldown, RunOptions } from '../../model/run/options.js';
import { comparedWords, type ComparedWords } from '../../model/run/comparison.js';
import { formatSpan } from '../../model/text/span.js';
import { formatSeconds, shellQuote } from '../../model/text/text.js';

/** What tells one update of a repository from another, in a few words. */
export function optionsSummary(options: RunOptions): string {
  const some = (label: string, value: 'all' | readonly string[]): string =>
    `${label} ${value === 'all' ? 'all' : [...value].sort(compareNaturally).join(', ')}`;
  const { landing, targets, nix, notify, gates, autofix, supersedes, holdBack } = wholeOptions(options);
  const { never, pinned } = holdBack;
  return [
    ...(options.channel === undefined ? [] : [`channels ${options.channel}`]),
    ...(options.user === undefined ? [] : [`as ${options.user}`]),
    ...(options.compares !== undefined
      ? [comparisonSummary(comparedWords(options.compares, options.repository))]
      : options.verifies === true
        ? ['verify', ...(options.again === true ? ['again'] : [])]
        : [`land ${landing.mode}${waysOfLanding[landing.mode].summary(landing)}`]),
    ...(landing.removeOldBranches === true ? ['removes old branches'] : []),
    ...(options.verifies === true || options.compares !== undefined ? [] : [inputsSummary(wholeOptions(options))]),
    ...(options.cooldown === undefined ? [] : [cooldownSummary(options.cooldown)]),
    targets.patterns === undefined
      ? some('hosts', targets.hosts) + (targets.exclude === null ? '' : ` but ${targets.exclude}`)
      : some('targets', targets.patterns),
    some('required', options.require),
    ...(options.onFailure === undefined ? [] : [`on failure ${options.onFailure.join(', ')}`]),
    ...(autofix === null ? [] : [autofixSummary(autofix)]),
    ...(never.length === 0 ? [] : [`never held back ${never.join(', ')}`]),
    ...(pinned.length === 0 ? [] : [`pinned ${pinned.map(({ input, until }) => `${input} (${until})`).join(', ')}`]),
    ...(gates.length === 0 ? [] : [`gates ${gates.map(gateSummary).join(', ')}`]),
    ...(options.approval === null ? [] : ['with approval']),
    ...(supersedes ? ['gives way to newer runs'] : []),
    ...notifySummary(notify),
    ...(options.takeoverSeconds === TAKEOVER_SECONDS ? [] : [`takeover after ${options.takeoverSeconds} s`]),
    ...(options.builderWaitSeconds === BUILDER_WAIT_SECONDS
      ? []
      : [`builders waited for ${options.builderWaitSeconds} s`]),
    ...(nix.impure ? ['impure'] : []),
    ...(nix.acceptFlakeConfig ? ['flake settings accepted'] : []),
    ...(nix.allowSources === undefined ? [] : [`allowed sources ${nix.allowSources.join(', ')}`]),
    ...nix.options.map(([name, value]) => `${name} = ${value}`),
  ].join('; ');
}

const comparisonSummary = ({ revision, against }: ComparedWords): string => `compare ${revision} with ${against}`;

const cooldownSummary = ({ seconds, inputs }: Cooldown): string =>
  [`cooldown ${formatSpan(seconds)}`, ...inputs.map((each) => `${each.input} ${formatSpan(each.seconds)}`)].join(', ');

function inputsSummary({ inputs, excludeInputs, inputGroups, landing }: WholeOptions): string {
  const groups = inputGroups.map((group) => group.join(', ')).join(' | ');
  if (landing.perInput === true) {
    const all = chosenInputs({ inputs, excludeInputs });
    return groups === '' ? all : `${all}, sharing a request: ${groups}`;
  }
  return groups === '' ? chosenInputs({ inputs, excludeInputs }) : `inputs in turn ${groups}`;
}

function chosenInputs({ inputs, excludeInputs }: Pick<WholeOptions, 'inputs' | 'excludeInputs'>): string {
  if (inputs !== 'all') return `inputs ${inputs.join(', ')}`;
  return `inputs all${excludeInputs.length === 0 ? '' : ` but ${excludeInputs.join(', ')}`}`;
}

const autofixSummary = ({ command, args, maxAttempts, timeoutSeconds }: AutofixOptions): string =>
  `agent ${[command, ...args].map(shellQuote).join(' ')} (${maxAttempts} attempts of ${timeoutSeconds} s)`;

const gateSummary = ({ name, check, timeoutSeconds, required }: Gate): string =>
  [
    name,
    ...(check.kind === 'preset' ? [] : [`(${check.words.map(shellQuote).join(' ')})`]),
    `within ${formatSeconds(timeoutSeconds)}`,
    ...(required ? [] : ['warns only']),
  ].join(' ');
