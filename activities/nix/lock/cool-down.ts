import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { composeAllBut } from '../../../model/flake-lock/compose-what-fits.js';
import { sameContent } from '../../../model/flake-lock/content.js';
import {
  datedRevision,
  isOldEnough,
  tooNewInputs,
  unknownAge,
  type OldEnough,
  type WaitingInput,
} from '../../../model/flake-lock/cooldown.js';
import { parseFlakeLock } from '../../../model/flake-lock/parse.js';
import { sameWish } from '../../../model/flake-lock/repointed.js';
import { serialiseLock } from '../../../model/flake-lock/serialise.js';
import { asksForSubmodules } from '../../../model/flake-lock/submodules.js';
import {
  textAttribute,
  type FlakeLock,
  type LockNode,
  type SourceAttributes,
} from '../../../model/flake-lock/types.js';
import { nodeOfInput } from '../../../model/flake-lock/walk.js';
import { finalFailure } from '../../../model/run/failures.js';
import { oneName } from '../../../model/text/one-line.js';
import type { Finished } from '../../command/process.js';
import { INPUTS_AT_ONCE, type AskedFlake, type CooldownRules } from './asked.js';
import type { Answers } from './answers.js';
import { fetchPlainly } from './fetch-plainly.js';
import type { InputWish } from '../flake-file.js';
import { sideBySide } from '../../../host/side-by-side.js';

/** An input that is locked at another revision than the newest one. */
export interface Pin {
  /** As a `flake.nix` would ask for that revision. */
  readonly wish: InputWish;
  /** What the real one asks for. */
  readonly original: SourceAttributes | null;
}

export type CooledInputs =
  | { readonly kind: 'failed'; readonly finished: Finished }
  | {
      readonly kind: 'cooled';
      /** The inputs that may move, as they are to be locked. */
      readonly nodes: ReadonlyMap<string, LockNode>;
      readonly pins: ReadonlyMap<string, Pin>;
      readonly waiting: readonly WaitingInput[];
    };

/** Kinds of inputs of which any revision can be asked for. */
const WITH_REVISIONS = new Set(['github', 'gitlab', 'sourcehut', 'git']);
/** What is of one revision alone. */
const OF_REVISION = new Set(['rev', 'narHash', 'lastModified', 'lastModifiedDate', 'revCount', 'dirtyRev']);

/**
 * Finds for inputs whose newest revision is too new the newest one that is old enough, and fetches it without what it brings along. An
 * input of which that cannot be had stays.
 * @param newest revisions of the inputs
 * @param place a private folder
 * @throws `InputTooNew` for one that cannot stay, because the lock of base does not have it as `flake.nix` asks for it; `TokenFile`
 */
export async function coolDown(
  { rules, cooldown, ...about }: Pick<AskedFlake, 'nix' | 'rules' | 'signal' | 'proxy' | 'cooldown'>,
  newest: ReadonlyMap<string, LockNode>,
  place: string,
): Promise<CooledInputs> {
  const nodes = new Map(newest);
  if (cooldown === null) return { kind: 'cooled', nodes, pins: new Map(), waiting: [] };
  const pins = new Map<string, Pin>();
  const looked = await sideBySide(newest, INPUTS_AT_ONCE, async ([name, node]): Promise<readonly WaitingInput[]> => {
    const latest = cooldown.latest(name);
    const before = nodeBefore(rules.lock, name, node);
    if (latest === null || isOldEnough(node, latest) || (before !== null && sameContent(before, node))) return [];
    const hasRevisions = WITH_REVISIONS.has(textAttribute(node.locked, 'type') ?? '');
    const locked = datedRevision(before);
    // Without the date of the locked revision nothing tells what would go back behind it.
    const isFindable = hasRevisions && (before === null || locked !== null);
    const answer = isFindable ? await cooldown.find(node, latest, locked) : null;
    const found = answer === 'unread' ? null : answer;
    if (found?.revision == null) {
      if (before === null) throw cannotStay(name, answer === 'unread');
      nodes.delete(name);
    } else pins.set(name, pinned(node, found.revision, rules.wishes.get(name) ?? {}));
    return [waitingInput(cooldown, name, answer, node)];
  });
  const waiting = looked.flat();
  if (pins.size === 0) return { kind: 'cooled', nodes, pins, waiting };
  const folder = path.join(place, 'cooled');
  await mkdir(folder);
  const wishes = new Map([...pins].map(([name, { wish }]) => [name, wish]));
  const fetched = await fetchPlainly(wishes, { ...about, folder });
  if (fetched.finished.exitCode !== 0) return { kind: 'failed', finished: fetched.finished };
  for (const [name, node] of fetched.nodes)
    nodes.set(name, { ...node, original: pins.get(name)?.original ?? node.original });
  return { kind: 'cooled', nodes, pins, waiting };
}

/** An input of base's lock, if `flake.nix` asks for the same still. */
function nodeBefore(lock: FlakeLock | null, name: string, node: LockNode): LockNode | null {
  const before = lock === null ? null : nodeOfInput(lock, [name]);
  return before !== null && sameWish(before, node) ? before : null;
}

const cannotStay = (name: string, isUnread = false): Error =>
  finalFailure(
    'InputTooNew',
    `The flake.lock of the main branch does not have input ${oneName(name)} as flake.nix asks for it, and ${isUnread ? 'its history, which tells what is old enough for the cooldown, could not be read: its server did not answer in time, or wants credentials. Run again' : 'no revision of it was found that is old enough for the cooldown. Wait'}, lock it by hand, or update with --no-cooldown.`,
  );

const waitingInput = (
  cooldown: CooldownRules,
  name: string,
  found: OldEnough | 'unread' | null,
  { locked }: LockNode,
): WaitingInput => {
  const about = { name, cooldown: cooldown.seconds(name) };
  if (found !== null && found !== 'unread') return { ...about, movesTo: found.revision, newer: found.newer };
  const isDated = typeof locked?.get('lastModified') === 'number';
  return { ...about, movesTo: null, newer: null, unknown: isDated ? (found ?? 'history') : 'date' };
};

function pinned({ locked, original }: LockNode, revision: string, wish: InputWish): Pin {
  const { flake, inputs } = wish;
  const source = [...(locked ?? [])].filter(([name]) => !OF_REVISION.has(name));
  return {
    wish: {
      ...Object.fromEntries(source),
      rev: revision,
      ...(asksForSubmodules(wish) ? { submodules: true } : {}),
      ...(flake === undefined ? {} : { flake }),
      ...(inputs === undefined ? {} : { inputs }),
    },
    original,
  };
}

/**
 * What upstream answered, without the moves of inputs that bring along what is too new: of those, nothing was found that is not.
 * @throws `InputTooNew` as `coolDown`
 */
export function withoutTooNew({ rules, cooldown }: Pick<AskedFlake, 'rules' | 'cooldown'>, answers: Answers): Answers {
  if (cooldown === null || answers.lock === null) return answers;
  const after = parseFlakeLock(answers.lock);
  const names = tooNewInputs(rules.lock, after, cooldown.latest);
  if (names.length === 0) return answers;
  const { lock: base } = rules;
  for (const name of names) {
    const node = nodeOfInput(after, [name]);
    if (node === null || nodeBefore(base, name, node) === null) throw cannotStay(name);
  }
  if (base === null) return answers;
  const { lock, left } = composeAllBut(base, after, names);
  const waiting = names.map((name): WaitingInput => ({
    ...{
      name,
      cooldown: cooldown.seconds(name),
      movesTo: null,
      newer: null,
      unknown: unknownAge(after, name, cooldown.latest(name)),
    },
  }));
  return {
    ...answers,
    lock: serialiseLock(lock),
    unfetched: [...answers.unfetched, ...left],
    waiting: [...answers.waiting.filter(({ name }) => !names.includes(name)), ...waiting],
  };
}
