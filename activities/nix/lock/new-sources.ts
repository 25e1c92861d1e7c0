import { finalFailure } from '../../../model/run/failures.js';
import { compareUrl } from '../../../model/flake-lock/compare-url.js';
import type { RefusedInput } from '../../../model/verify/candidate.js';
import { composeAllBut } from '../../../model/flake-lock/compose-what-fits.js';
import { inputRevision } from '../../../model/flake-lock/content.js';
import { parseFlakeLock } from '../../../model/flake-lock/parse.js';
import { sameWish } from '../../../model/flake-lock/repointed.js';
import { serialiseLock } from '../../../model/flake-lock/serialise.js';
import {
  sourcesBelow,
  unpermitted,
  wishedSources,
  type Permission,
  type Source,
} from '../../../model/flake-lock/sources.js';
import type { LockNode } from '../../../model/flake-lock/types.js';
import { newSourcesReason } from '../../../model/report/new-sources.js';
import { oneLine } from '../../../model/text/one-line.js';
import type { Answers } from './answers.js';
import type { SourceRules } from './source-rules.js';
import type { InputWish } from '../flake-file.js';

/** What an input may bring along: what it had on base, what the owner's `flake.nix` names for it, and what the owner allows. */
export function permissionOf({ lock, wishes, allowed, own }: SourceRules, name: string): Permission {
  const known = [...(lock === null ? [] : sourcesBelow(lock, name, own)), ...namedSources(wishes.get(name) ?? {}, own)];
  return { origins: new Set(known.map(({ origin }) => origin)), allowed };
}

/** Sources that a wish names, for the input and for those below it. */
export const namedSources = (wish: InputWish, own: readonly string[]): readonly Source[] => [
  ...wishedSources(wish, own),
  ...Object.values((wish.inputs ?? {}) as Record<string, InputWish>).flatMap((each) => namedSources(each, own)),
];

/** Sources that an input shows of those that it is not permitted. */
const LISTED = 10;

/**
 * An input that is not to move for what it brings along.
 * @throws `SourceRefused` when it cannot stay, because the lock of base does not have what `flake.nix` asks for
 */
export function refusedInput(rules: SourceRules, name: string, sources: readonly string[], to: LockNode): RefusedInput {
  const edge = rules.lock?.root.inputs.get(name);
  const from = edge?.kind === 'node' ? edge.node : null;
  const shown = sources.slice(0, LISTED).map((text) => oneLine(text, 300));
  if (from === null || !sameWish(from, to))
    throw finalFailure(
      'SourceRefused',
      `The flake.lock of the main branch does not have input ${oneLine(name, 100)} as flake.nix asks for it, and ${newSourcesReason(shown)} Or lock it by hand.`,
    );
  const compare = from.locked === null || to.locked === null ? null : compareUrl(from.locked, to.locked);
  return { name, sources: shown, from: inputRevision(from), to: inputRevision(to), compareUrl: compare };
}

/** What upstream answered, without the moves of inputs that bring along what they are not permitted. */
export function withoutNewSources(rules: SourceRules, answers: Answers): Answers {
  if (answers.lock === null) return answers;
  const after = parseFlakeLock(answers.lock);
  const refused = [...after.root.inputs].flatMap(([name, edge]) => {
    const submodules = (answers.submodules.get(name) ?? []).map(({ text }) => text);
    const sources = [
      ...unpermitted(sourcesBelow(after, name, rules.own), permissionOf(rules, name)),
      ...new Set(submodules),
    ];
    return edge.kind === 'follows' || sources.length === 0 ? [] : [refusedInput(rules, name, sources, edge.node)];
  });
  if (refused.length === 0 || rules.lock === null) return answers;
  const { lock, left } = composeAllBut(
    rules.lock,
    after,
    refused.map(({ name }) => name),
  );
  return {
    ...answers,
    lock: serialiseLock(lock),
    unfetched: [...answers.unfetched, ...left],
    refused: [...answers.refused, ...refused],
  };
}
