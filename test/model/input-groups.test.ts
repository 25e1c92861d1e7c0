import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupsInTurn, inputOfTwoGroups, type InputGroup } from '../../model/run/input-groups.js';
import { exampleReport } from '../support/report.js';

const GROUPS = [['nixpkgs', 'home-manager'], ['disko'], ['hardware']];

/** First names of the groups in turn, after runs that had these turns, newest first. */
const after = (...turns: readonly (InputGroup | null)[]): readonly string[] =>
  groupsInTurn(
    GROUPS,
    turns.map((inputGroup) => exampleReport(inputGroup === null ? {} : { inputGroup })),
  ).map(([first]) => first ?? '');

test('groups take turns in the order in which they are written', () => {
  assert.deepEqual(after(), ['nixpkgs', 'disko', 'hardware']);
  assert.deepEqual(after(['nixpkgs', 'home-manager']), ['disko', 'hardware', 'nixpkgs']);
  assert.deepEqual(after(['disko'], ['nixpkgs', 'home-manager']), ['hardware', 'nixpkgs', 'disko']);
  assert.deepEqual(after(['hardware'], ['disko'], ['home-manager', 'nixpkgs']), ['nixpkgs', 'disko', 'hardware']);
});

test('a run without a turn changes no order, and a group that was passed over is next', () => {
  assert.deepEqual(after(null, ['nixpkgs', 'home-manager'], null), ['disko', 'hardware', 'nixpkgs']);
  // Nothing of disko had moved.
  assert.deepEqual(after(['hardware'], ['nixpkgs', 'home-manager']), ['disko', 'nixpkgs', 'hardware']);
});

test('turns of a group that is written otherwise now are nobody’s', () => {
  assert.deepEqual(after(['disko', 'hardware'], ['nixpkgs']), ['nixpkgs', 'disko', 'hardware']);
});

test('an input of two groups is found, and one that a group names twice is none', () => {
  assert.equal(inputOfTwoGroups(GROUPS), null);
  assert.equal(inputOfTwoGroups([['a', 'a'], ['b']]), null);
  assert.equal(inputOfTwoGroups([['a'], ['b', 'a']]), 'a');
});
