import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InputRevision, MovedInput } from '../../model/verify/candidate.js';
import { proposalOf } from '../../workflows/update/proposal.js';

const revision = (text: string): InputRevision => ({ revision: text, short: text, date: null });

/** An input that moved, and the revisions that inputs below it moved to. */
const moved = (to: string, nested: readonly string[], told = nested): MovedInput => ({
  ...{ name: 'home', kind: 'github', from: revision('old'), to: revision(to), compareUrl: null },
  nested: nested.map((_, at) => `home/n${at}`),
  nestedMoves: told.map((text, at) => {
    return { path: `home/n${at}`, from: revision('old'), to: revision(text), compareUrl: null };
  }),
});

const proposal = (input: MovedInput, head = 'a'): string => proposalOf({ moved: [input], draft: { head } }, []);

test('an approval is of the revisions of inputs and of what they bring along, and not of one commit', () => {
  const approved = proposal(moved('new', ['x', 'y']));
  assert.equal(proposal(moved('new', ['x', 'y']), 'b'), approved);
  for (const other of [moved('newer', ['x', 'y']), moved('new', ['x', 'z']), moved('new', ['x'])])
    assert.notEqual(proposal(other), approved);
});

test('where not all nested revisions are told, an approval is of the commit that was shown', () => {
  const many = moved('new', ['x', 'y', 'z'], ['x', 'y']);
  assert.equal(proposal(many, 'a'), proposal(many, 'a'));
  assert.notEqual(proposal(many, 'b'), proposal(many, 'a'));
});
