import { BadInput, checkHostName, wholeNameExpression } from '../checks/names.js';
import { nearest } from '../text/nearest.js';
import { attributePath } from '../nix/text.js';
import type { LookedPath, NamedSet } from '../nix/names-expression.js';
import { compareNaturally } from '../text/natural-order.js';
import { stripControl, truncate } from '../text/text.js';
import { hasWildcard, matchesWildcard } from '../text/wildcard.js';
import {
  DEFAULT_KIND,
  isFlakeTarget,
  isOutputKind,
  kindByPrefix,
  kindOf,
  outputKindNames,
  outputKinds,
  targetKinds,
  targetLabel,
  type FlakeTarget,
  type OutputKindName,
  type Target,
} from './index.js';
import { NoName, type OutputKind } from './types.js';

/** Which targets of a flake a person means: `home:*`, `!check:x86_64-linux.slow`, or a host without its kind. */
interface TargetPattern {
  readonly text: string;
  /** Whether it takes targets out that others mean. */
  readonly excludes: boolean;
  readonly kind: OutputKindName;
  /** From the flake's outputs to what is meant. */
  readonly path: readonly string[];
}

const PATTERN_LENGTH = 400;

/** Most targets of a run: what is known of them travels in one message. */
const MOST_TARGETS = 2000;
const MOST_OTHERS = 1000;

/** What the kinds that are built are called in patterns, each with its colon. */
export const TARGET_PREFIXES = [...new Set(outputKindNames.map((kind) => outputKinds[kind].prefix))];

/** A pattern that `--targets` takes. */
export function checkTargetPattern(value: string, field: string): string {
  readPattern(value, field);
  return value;
}

/** A pattern of targets that have to be built for anything to land. */
export function checkRequired(value: string, field: string): string {
  if (value.startsWith('!'))
    throw new BadInput(field, value, 'excludes a target: name the targets that have to build.');
  return checkTargetPattern(value, field);
}

/** Patterns of which one means something at all. */
export function checkTargetPatterns(values: readonly string[], field: string): readonly string[] {
  const [first] = values;
  if (first !== undefined && values.every((value) => value.startsWith('!')))
    throw new BadInput(
      field,
      first,
      `leaves targets out, but nothing is chosen: add what to build, such as ${DEFAULT_KIND}:*.`,
    );
  return values;
}

function readPattern(text: string, field: string): TargetPattern {
  const excludes = text.startsWith('!');
  const written = excludes ? text.slice(1) : text;
  if (text.length > PATTERN_LENGTH)
    throw new BadInput(field, text, `is longer than ${PATTERN_LENGTH} characters: give a shorter pattern.`);
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text))
    throw new BadInput(field, text, 'holds characters that cannot be seen: leave them out.');
  const found = kindByPrefix(written);
  if (found === null && !written.includes(':')) {
    checkHostName(written.replaceAll('*', 'x'), field);
    return { text, excludes, kind: DEFAULT_KIND, path: outputKinds[DEFAULT_KIND].path(written) };
  }
  if (found === null)
    throw new BadInput(field, text, `does not begin with a kind of target: ${kindsWords(written.split(':')[0] ?? '')}`);
  const { kind, name } = found;
  if (!isOutputKindName(kind))
    throw new BadInput(field, text, `is a ${targetKinds[kind].noun}: use the options for these instead.`);
  if (name === '') throw new BadInput(field, text, `has no name: write one such as ${outputKinds[kind].example}.`);
  try {
    return { text, excludes, kind, path: outputKinds[kind].path(name) };
  } catch (error) {
    if (error instanceof NoName) throw new BadInput(field, text, `${error.message}.`);
    throw error;
  }
}

const isOutputKindName = (kind: Target['kind']): kind is OutputKindName => isOutputKind(kind);

function kindsWords(typed: string): string {
  const output = outputKindNames.find((kind) => outputKinds[kind].output === typed);
  const near = output === undefined ? nearest(`${typed}:`, TARGET_PREFIXES) : outputKinds[output].prefix;
  return near === null ? `write one of ${TARGET_PREFIXES.join(' ')} before the name.` : `did you mean "${near}"?`;
}

const patternsOf = (texts: readonly string[]): readonly TargetPattern[] =>
  texts.map((text) => readPattern(text, 'targets'));

/** What has to be looked up in the flake to know which targets are meant. */
export function pathsToLookUp(texts: readonly string[]): readonly LookedPath[] {
  const looked = patternsOf(texts)
    .filter(({ excludes }) => !excludes)
    .map(({ kind, path }): LookedPath => {
      const { output, looked: count } = outputKinds[kind];
      return { path: path.slice(0, count(path)), whole: output !== null };
    });
  // Of a whole set all names are told, whichever was meant.
  const key = ({ path, whole }: LookedPath): string => JSON.stringify(whole ? path.slice(0, -1) : path);
  return [...new Map(looked.map((each) => [key(each), each])).values()];
}

/** A test whether a text means a target; an invalid pattern means none. */
function meaning(text: string): (target: Located) => boolean {
  try {
    const pattern = readPattern(text, 'targets');
    return ({ kind, path }) => kind === pattern.kind && meansPath(pattern.path, path);
  } catch (error) {
    if (error instanceof BadInput) return () => false;
    throw error;
  }
}

interface Located {
  readonly kind: Target['kind'];
  readonly label: string;
  readonly path: readonly string[];
}

const located = (target: Target): Located => ({
  kind: target.kind,
  label: targetLabel(target),
  path: isFlakeTarget(target) ? outputKinds[target.kind].path(target.name) : [],
});

export const meansPath = (pattern: readonly string[], path: readonly string[]): boolean =>
  pattern.length === path.length && pattern.every((name, at) => matchesWildcard(name, path[at] ?? ''));

/** Labels of the targets that have to be built, and those of the texts that mean none of them. */
export function chooseRequired(
  texts: readonly string[],
  targets: readonly Target[],
): { readonly required: readonly string[]; readonly unknown: readonly string[] } {
  const there = targets.map(located);
  const known = new Set(there.map(({ label }) => label));
  const meant = texts.map((text) => {
    // A host may have any name, and a run may name it as it is.
    if (known.has(text) && !hasWildcard(text)) return { text, labels: [text] };
    const isMeant = meaning(text);
    return { text, labels: there.filter(isMeant).map(({ label }) => label) };
  });
  return {
    required: [...new Set(meant.flatMap(({ labels }) => labels))],
    unknown: meant.filter(({ labels }) => labels.length === 0).map(({ text }) => text),
  };
}

export interface Choice {
  /** Sorted by kind, then by name; none where something is wrong. */
  readonly targets: readonly FlakeTarget[];
  /** Labels of what else there is beside them; empty when that is too much to tell. */
  readonly notAsked: readonly string[];
  /** What is wrong with the choice, a sentence each; empty when nothing is. */
  readonly faults: readonly string[];
}

/**
 * The targets that patterns mean, of what a flake has. A set that could not be looked into stands for what is meant in it: its
 * targets do not evaluate.
 * @param lenient whether a pattern may mean nothing
 */
export function chooseTargets(texts: readonly string[], sets: readonly NamedSet[], lenient = false): Choice {
  const patterns = patternsOf(texts);
  const excluding = patterns.filter(({ excludes }) => excludes);
  const isExcluded = ({ kind, path }: Found): boolean =>
    excluding.some((pattern) => pattern.kind === kind && meansPath(pattern.path, path));
  const chosen: Found[] = [];
  const there: Found[] = [];
  const faults: string[] = [];
  for (const pattern of patterns.filter(({ excludes }) => !excludes)) {
    const { meant, others } = find(pattern, sets);
    if (meant.length === 0 && !lenient) faults.push(nothingMeant(pattern, sets));
    // As arguments, a hundred thousand would be too many.
    for (const each of meant) chosen.push(each);
    for (const each of others) there.push(each);
  }
  const left = chosen.filter((each) => !isExcluded(each));
  if (faults.length === 0 && left.length === 0 && !lenient)
    faults.push(
      `"${shown(texts.join(', '))}" leaves no target: the exclusions match everything that the other patterns match.`,
    );
  const labels = new Map(left.map((each) => [targetLabel(targetOf(each)), targetOf(each)]));
  if (labels.size > MOST_TARGETS)
    faults.push(
      `"${shown(texts.join(', '))}" means ${labels.size} targets, and a run takes at most ${MOST_TARGETS}: choose fewer, such as those of one system.`,
    );
  else faults.push(...left.flatMap(unusable).slice(0, 1));
  if (faults.length > 0) return { targets: [], notAsked: [], faults };
  const others = new Set([...there, ...chosen].map((each) => targetLabel(targetOf(each))));
  for (const label of labels.keys()) others.delete(label);
  return {
    targets: [...labels.values()].sort(inOrder),
    notAsked: others.size > MOST_OTHERS ? [] : [...others].sort(compareNaturally),
    faults: [],
  };
}

interface Found {
  readonly kind: OutputKindName;
  readonly path: readonly string[];
  /** Whether the flake has a name for each part of the path that was looked up. */
  readonly isNamed: boolean;
}

const targetOf = ({ kind, path }: Found): FlakeTarget => ({ kind, name: outputKinds[kind].nameAt(path) });

const inOrder = (one: FlakeTarget, other: FlakeTarget): number =>
  outputKindNames.indexOf(one.kind) - outputKindNames.indexOf(other.kind) || compareNaturally(one.name, other.name);

function find(
  { kind, path }: TargetPattern,
  sets: readonly NamedSet[],
): { readonly meant: readonly Found[]; readonly others: readonly Found[] } {
  const { looked, output } = outputKinds[kind];
  const last = looked(path) - 1;
  const isMember = output !== null && last === path.length - 1;
  const meant: Found[] = [];
  const others: Found[] = [];
  for (const set of sets) {
    if (set.path.length > last || !meansPath(path.slice(0, set.path.length), set.path)) continue;
    if (set.names === null) {
      meant.push({ kind, path: [...set.path, ...path.slice(set.path.length)], isNamed: false });
    } else if (set.path.length === last) {
      for (const name of set.names) {
        const found = { kind, path: [...set.path, name, ...path.slice(last + 1)], isNamed: true };
        if (matchesWildcard(path[last] ?? '', name)) meant.push(found);
        else if (isMember) others.push(found);
      }
    }
  }
  return { meant, others };
}

/** That a pattern means nothing, and what is there in its place. */
function nothingMeant({ text, kind, path }: TargetPattern, sets: readonly NamedSet[]): string {
  const nearestSet = sets
    .filter((set) => set.names !== null && meansPath(path.slice(0, set.path.length), set.path))
    .sort((one, other) => other.path.length - one.path.length)[0];
  const there = nearestSet?.names ?? [];
  const where = nearestSet === undefined || nearestSet.path.length === 0 ? 'the flake' : attributePath(nearestSet.path);
  const wanted = path[nearestSet?.path.length ?? 0] ?? '';
  // The name of an output is the kind's, and nobody typed it.
  const isTyped = nearestSet?.path.length !== 0 || outputKinds[kind].output === null;
  const near = hasWildcard(wanted) || !isTyped ? null : nearest(wanted, there);
  const has = there.length === 0 ? `${where} is empty` : `${where} has ${listed(there)}`;
  return `"${shown(text)}" matches nothing: ${has}.${near === null ? '' : ` Did you mean "${shown(near)}"?`}`;
}

/** Names become ids of activities, which have a limit, and are shown by programs that are not ours. */
const USABLE = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,200}$/u;

export const isUsableName = (name: string): boolean => USABLE.test(name);

function unusable(found: Found): readonly string[] {
  const target = targetOf(found);
  const back = readBack(target);
  const isUsable =
    isUsableName(target.name) &&
    !(found.isNamed && found.path.some(hasWildcard)) &&
    kindOf(targetLabel(target)) === target.kind &&
    back?.length === found.path.length &&
    back.every((name, at) => name === found.path[at]);
  if (isUsable) return [];
  const { noun, prefix } = outputKinds[target.kind];
  return [
    `the ${noun} ${shown(target.name)} has a name that cannot be used: names have 1 to 200 characters, none of them invisible or a ` +
      `star, and names of systems have no dot. Give it another name, or leave it out with "!${prefix}…".`,
  ];
}

/** Whether a target of the kind may have this name. */
export const isTargetName = (target: Target): boolean => !isFlakeTarget(target) || readBack(target) !== null;

function readBack({ kind, name }: FlakeTarget): readonly string[] | null {
  try {
    return outputKinds[kind].path(name);
  } catch {
    return null;
  }
}

/** What to type for a flake that has no hosts, as sentences behind that. @param outputs names of all its outputs */
export function insteadOfHosts(outputs: readonly string[]): string {
  const there = outputKindNames.flatMap((kind) => {
    const { output, example }: OutputKind<never> = outputKinds[kind];
    return output !== null && output !== outputKinds[DEFAULT_KIND].output && outputs.includes(output)
      ? [{ output, example }]
      : [];
  });
  if (there.length === 0)
    return outputs.length === 0
      ? ''
      : ` It has ${listed(outputs)}: name what to build with ${TARGETS_FLAG} '${outputKinds.attribute.prefix}PATH'.`;
  const patterns = there.map(({ example }) => example).join(',');
  return ` It has ${listed(there.map(({ output }) => output))}: choose them with ${TARGETS_FLAG} '${patterns}'.`;
}

const TARGETS_FLAG = '--targets';

const shown = (text: string): string => truncate(stripControl(text), 200);

/** Names in a sentence, as many as there is room for. */
export const listed = (names: readonly string[]): string =>
  truncate(
    [...names]
      .sort(compareNaturally)
      .map((name) => truncate(stripControl(name), 100))
      .join(', '),
    2000,
  );

interface Hosts {
  readonly hosts: 'all' | readonly string[];
  readonly exclude: string | null;
}

/** Whether a host is among those that a run builds, where no patterns choose them. */
export function hostFilter({ hosts, exclude }: Hosts): (host: string) => boolean {
  if (hosts !== 'all') return (host) => hosts.includes(host);
  const excluded = exclude === null ? null : wholeNameExpression(exclude);
  return (host) => excluded?.test(host) !== true;
}
