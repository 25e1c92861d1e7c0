import { gate, type GateTarget } from './gate.js';
import { nixos, type HostTarget } from './nixos.js';
import type { OutputKind, TargetKind } from './types.js';

interface Targets {
  readonly nixos: HostTarget;
  readonly gate: GateTarget;
}
export type TargetKindName = keyof Targets;

/** One thing to verify, of some kinds. */
type TargetOf<K extends TargetKindName> = { [Name in K]: Targets[Name] }[K];
export type Target = TargetOf<TargetKindName>;

/** Kinds whose targets are attributes of the flake. */
const outputs = { nixos };
/** Kinds whose targets are commands in its work tree. */
const commands = { gate };

/** One thing to evaluate and build. */
export type FlakeTarget = TargetOf<keyof typeof outputs>;
/** One command to run. */
export type CommandTarget = TargetOf<keyof typeof commands>;

/** Every kind of target, in the order in which people read of them. */
export const targetKinds = { ...outputs, ...commands } satisfies {
  readonly [K in TargetKindName]: TargetKind<Targets[K]>;
};
export const targetKindNames = Object.keys(targetKinds) as readonly TargetKindName[];

/** Every kind whose targets are evaluated and built. */
export const outputKinds = outputs satisfies { readonly [K in keyof typeof outputs]: OutputKind<Targets[K]> };
export const outputKindNames = Object.keys(outputKinds) as readonly (keyof typeof outputs)[];

/** Whether a target is evaluated and built, and has a derivation; otherwise it is a command. */
export const isFlakeTarget = (target: Target): target is FlakeTarget => isOutputKind(target.kind);

/** @param kind also one of another version's report */
export const isOutputKind = (kind: string): boolean => !Object.hasOwn(commands, kind);

/** What people call a target: `athena` a host, `gate:flake-check` a gate. No two targets of a run have the same. */
export const targetLabel = ({ kind, name }: Pick<Target, 'kind' | 'name'>): string =>
  `${targetKinds[kind].prefix}${name}`;

/** Kind of the target that a label stands for. */
export const kindOf = (label: string): TargetKindName =>
  targetKindNames.find((kind) => targetKinds[kind].prefix !== '' && label.startsWith(targetKinds[kind].prefix)) ??
  WITHOUT_PREFIX;

/** What is the same for every target of a kind. */
export type KindWords = Omit<TargetKind<never>, 'task'>;

/** @param kind also one of another version's report, which is shown as if it were a host */
export const wordsOf = (kind: string): KindWords =>
  targetKinds[targetKindNames.find((each) => each === kind) ?? WITHOUT_PREFIX];

const WITHOUT_PREFIX = 'nixos';

/** What an agent is to do about a target, as paragraphs of Markdown. */
export function taskOf<K extends TargetKindName>(target: TargetOf<K>, flake: string): readonly string[] {
  const kinds: { readonly [Name in TargetKindName]: TargetKind<Targets[Name]> } = targetKinds;
  const kind: TargetKind<TargetOf<K>> = kinds[target.kind as K];
  return kind.task(target, flake);
}
