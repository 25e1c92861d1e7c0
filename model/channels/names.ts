import { BadInput, checkBranchName } from '../checks/names.js';
import { DEFAULT_KIND, targetLabel, type FlakeTarget, type TargetName } from '../targets/index.js';
import { obstacleOf } from '../landing/branches.js';

/** The words of a template that stand for what a target is called. */
const WORDS = /\{([^{}]*)\}/g;
const KNOWN = ['host', 'kind', 'name'];

/**
 * The branch of a target: `nixos-tested-athena` of `nixos-tested-{host}`. `{host}` is the name of a host, and `KIND-NAME` of every other
 * target; `{kind}` and `{name}` are what they say of all of them.
 */
export const channelOf = (template: string, { kind, name }: TargetName): string =>
  template.replaceAll(WORDS, (_, word: string) => {
    if (word === 'kind') return kind;
    return word === 'name' || kind === DEFAULT_KIND ? name : `${kind}-${name}`;
  });

/** @throws BadInput for a template that gives no branch names, or all targets the same one */
export function checkChannelTemplate(value: string, field: string): string {
  const words = [...value.matchAll(WORDS)].map(([, word = '']) => word);
  const unknown = words.find((word) => !KNOWN.includes(word));
  if (unknown !== undefined)
    throw new BadInput(field, value, `has {${unknown}}, which is unknown: there are {host}, {kind} and {name}.`);
  if (!words.some((word) => word !== 'kind'))
    throw new BadInput(
      field,
      value,
      'is the same branch for all hosts: put {host} where their names are to stand, as in "nixos-tested-{host}".',
    );
  if (/[{}]/.test(value.replaceAll(WORDS, '')))
    throw new BadInput(field, value, 'has a brace without its other half: write {host}.');
  checkBranchName(channelOf(value, { kind: 'nixos', name: 'host' }), field);
  return value;
}

export interface Channel {
  /** Label of the target. */
  readonly target: string;
  readonly branch: string;
}

/**
 * The channels of targets.
 * @param main the main branch, which is not a channel
 * @throws BadInput when a name is none that Git takes, or when two targets, or a target and main, would have the same branch
 */
export function channelsOf(
  template: string,
  targets: readonly FlakeTarget[],
  { main, field }: { readonly main: string; readonly field: string },
): readonly Channel[] {
  const owners = new Map<string, string>();
  return targets.map((target) => {
    const label = targetLabel(target);
    const branch = channelOf(template, target);
    const refuse = (why: string): BadInput => new BadInput(field, template, `${why}: give another template.`);
    try {
      checkBranchName(branch, field);
    } catch (error) {
      if (!(error instanceof BadInput)) throw error;
      throw refuse(`would make ${JSON.stringify(branch)} the channel of ${label}, which is not a branch name for Git`);
    }
    if (branch === main) throw refuse(`would make the main branch, ${main}, the channel of ${label}`);
    const other = owners.get(branch);
    if (other !== undefined) throw refuse(`gives ${other} and ${label} the same channel, ${branch}`);
    const obstacle = obstacleOf(branch, [main, ...owners.keys()]);
    if (obstacle !== null) throw refuse(`needs branches ${obstacle} and ${branch}, which Git cannot have both`);
    owners.set(branch, label);
    return { target: label, branch };
  });
}

/** What all channels of a template begin with, and what a branch has to match to be one. */
export function channelPattern(template: string): { readonly prefix: string; readonly whole: RegExp } {
  const fixed = template.split(WORDS).filter((_, index) => index % 2 === 0);
  const source = fixed.map((text) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join('(?:.+)');
  return { prefix: fixed[0] ?? '', whole: new RegExp(`^${source}$`, 'u') };
}
