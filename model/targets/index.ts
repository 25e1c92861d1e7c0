import { hasWildcard } from '../text/wildcard.js';
import { attribute, type AttributeTarget } from './attribute.js';
import { checks, type CheckTarget } from './check.js';
import { darwin, type DarwinTarget } from './darwin.js';
import { devShells, type ShellTarget } from './dev-shell.js';
import { gate, type GateTarget } from './gate.js';
import { home, type HomeTarget } from './home.js';
import { nixosAttribute, type HostAttributeTarget } from './nixos-attribute.js';
import { nixos, type HostTarget } from './nixos.js';
import { packages, type PackageTarget } from './package.js';
import type { OutputKind, TargetKind } from './types.js';

interface Targets {
  readonly nixos: HostTarget;
  readonly 'nixos-attribute': HostAttributeTarget;
  readonly home: HomeTarget;
  readonly darwin: DarwinTarget;
  readonly package: PackageTarget;
  readonly check: CheckTarget;
  readonly 'dev-shell': ShellTarget;
  readonly attribute: AttributeTarget;
  readonly gate: GateTarget;
}
export type TargetKindName = keyof Targets;

/** One thing to verify, of some kinds. */
type TargetOf<K extends TargetKindName> = { [Name in K]: Targets[Name] }[K];
export type Target = TargetOf<TargetKindName>;

/** Kinds whose targets are attributes of the flake. */
const outputs = {
  nixos,
  'nixos-attribute': nixosAttribute,
  home,
  darwin,
  package: packages,
  check: checks,
  'dev-shell': devShells,
  attribute,
};
/** Kinds whose targets are commands in its work tree. */
const commands = { gate };

export type OutputKindName = keyof typeof outputs;
/** One thing to evaluate and build. */
export type FlakeTarget = TargetOf<OutputKindName>;
export type CommandTarget = TargetOf<keyof typeof commands>;

export const targetKinds = { ...outputs, ...commands } satisfies {
  readonly [K in TargetKindName]: TargetKind<Targets[K]>;
};
export const targetKindNames = Object.keys(targetKinds) as readonly TargetKindName[];

export const outputKinds: { readonly [K in OutputKindName]: OutputKind<Targets[K]> } = outputs;
export const outputKindNames = Object.keys(outputKinds) as readonly OutputKindName[];

/** The kind whose targets are verified where nobody chose. People know them by their names, without a prefix. */
export const DEFAULT_KIND = 'nixos';

/** Whether a target is evaluated and built, and has a derivation; otherwise it is a command. */
export const isFlakeTarget = (target: Target): target is FlakeTarget => isOutputKind(target.kind);

/** @param kind also one of another version's report */
export const isOutputKind = (kind: string): boolean => !Object.hasOwn(commands, kind);

/**
 * What people call a target: `athena` a host, `gate:flake-check` a gate, `home:alice@web` a home. No two targets of a run have
 * the same: a host whose name begins as labels of other kinds do has its kind before it as well.
 */
export const targetLabel = ({ kind, name }: TargetName): string =>
  kind === DEFAULT_KIND && kindByPrefix(name) === null && !hasWildcard(name)
    ? name
    : `${targetKinds[kind].prefix}${name}`;

/** What tells a target from all others of a run. */
export type TargetName = Pick<Target, 'kind' | 'name'>;

export const namedBy = (label: string): TargetName => kindByPrefix(label) ?? { kind: DEFAULT_KIND, name: label };

export const kindOf = (label: string): TargetKindName => namedBy(label).kind;

/** The kind whose prefix a text begins with, and what follows the prefix; `null` where it begins with none. */
export function kindByPrefix(text: string): { readonly kind: TargetKindName; readonly name: string } | null {
  const found = targetKindNames.flatMap((kind) => {
    const { prefix, owns }: TargetKind<never> = targetKinds[kind];
    const name = text.slice(prefix.length);
    return text.startsWith(prefix) && owns?.(name) !== false ? [{ kind, name, isOwn: owns !== undefined }] : [];
  });
  return found.find(({ isOwn }) => isOwn) ?? found[0] ?? null;
}

export type KindWords = Omit<TargetKind<never>, 'task'>;

/** @param kind also one of another version's report, which is shown as if it were a host */
export const wordsOf = (kind: string): KindWords =>
  targetKinds[targetKindNames.find((each) => each === kind) ?? DEFAULT_KIND];

/** What targets are called together: `host` when all that are built are hosts, and `target` when they are of several kinds. */
export function nounOf(kinds: readonly string[]): string {
  const [noun = targetKinds[DEFAULT_KIND].noun, ...others] = new Set(
    kinds.filter(isOutputKind).map((kind) => wordsOf(kind).noun),
  );
  return others.length === 0 ? noun : 'target';
}

/** What an agent is to do about a target, as paragraphs of Markdown. */
export function taskOf<K extends TargetKindName>(target: TargetOf<K>, flake: string): readonly string[] {
  const kinds: { readonly [Name in TargetKindName]: TargetKind<Targets[Name]> } = targetKinds;
  const kind: TargetKind<TargetOf<K>> = kinds[target.kind as K];
  return kind.task(target, flake);
}
