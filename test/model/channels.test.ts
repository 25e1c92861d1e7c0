import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadInput } from '../../model/checks/names.js';
import { channelCounts, channelWords, lostWords, type ChannelMove } from '../../model/channels/move.js';
import { channelOf, channelsOf, checkChannelTemplate } from '../../model/channels/names.js';
import type { FlakeTarget } from '../../model/targets/index.js';

const host = (name: string): FlakeTarget => ({ kind: 'nixos', name });
const bob: FlakeTarget = { kind: 'home', name: 'bob@athena' };

test('the channel of a host has its name, that of any other target its kind as well', () => {
  for (const [template, athena, ofBob] of [
    ['nixos-tested-{host}', 'nixos-tested-athena', 'nixos-tested-home-bob@athena'],
    ['tested/{kind}/{name}', 'tested/nixos/athena', 'tested/home/bob@athena'],
  ] as const) {
    assert.equal(checkChannelTemplate(template, 'channel'), template);
    assert.deepEqual([channelOf(template, host('athena')), channelOf(template, bob)], [athena, ofBob]);
  }
});

test('a template that gives no names, or one for all, is refused with the way out', () => {
  for (const [template, words] of [
    ['tested', /is the same branch for all hosts: put \{host\} where/],
    ['tested-{kind}', /is the same branch for all hosts/],
    ['tested-{hosts}', /has \{hosts\}, which is unknown: there are \{host\}, \{kind\} and \{name\}/],
    ['tested-{host', /is the same branch for all hosts/],
    ['te}sted-{host}', /has a brace without its other half/],
    ['-{host}', /is not a usable branch name/],
    ['a..{host}', /is not a usable branch name/],
  ] as const)
    assert.throws(
      () => checkChannelTemplate(template, 'channel'),
      (error) => error instanceof BadInput && words.test(error.message),
      template,
    );
});

test('targets that would share a channel, or have one that Git or main does not allow, are named', () => {
  const refused = (template: string, targets: readonly FlakeTarget[]): string => {
    try {
      channelsOf(template, targets, { main: 'main', field: 'channel' });
    } catch (error) {
      if (error instanceof BadInput) return error.message;
    }
    return 'not refused';
  };
  assert.match(
    refused('t-{name}', [host('a'), { kind: 'package', name: 'a' }]),
    /gives a and package:a the same channel, t-a/,
  );
  assert.match(
    refused('t-{host}', [host('a..b')]),
    /would make "t-a\.\.b" the channel of a\.\.b, which is not a branch name/,
  );
  assert.match(refused('{host}', [host('main')]), /would make the main branch, main, the channel of main/);
  assert.match(
    refused('{host}', [host('a'), { kind: 'package', name: 'x' }, host('main/x')]),
    /needs branches main and main\/x/,
  );
  assert.deepEqual(channelsOf('t-{host}', [host('a'), bob], { main: 'main', field: 'channel' }), [
    { target: 'a', branch: 't-a' },
    { target: 'home:bob@athena', branch: 't-home-bob@athena' },
  ]);
});

const at = (digit: string): string => digit.repeat(40);

test('what became of channels is said in a few words, and a main that lost commits in one sentence', () => {
  const move = (change: Partial<ChannelMove>): ChannelMove => ({
    ...{ target: 'a', branch: 't-a', outcome: 'moved', from: at('1'), to: at('2') },
    ...change,
  });
  const moves = [
    move({}),
    move({ from: null }),
    move({ outcome: 'there', from: at('2') }),
    move({ outcome: 'past', from: at('3') }),
    move({ outcome: 'not-moved', from: null, reason: 'a does not build' }),
    move({ outcome: 'not-moved', reason: 'the remote\nrefused it' }),
  ];
  assert.deepEqual(moves.map(channelWords), [
    '111111111111 → 222222222222',
    'made at 222222222222',
    'at 222222222222 already',
    'at 333333333333, which is newer',
    'not moved: a does not build',
    'stays at 111111111111: the remote refused it',
  ]);
  assert.equal(channelCounts(moves), '2 of 6 channels moved, 2 there before, 2 not moved');
  assert.equal(channelCounts([]), '');
  assert.equal(lostWords(moves), null);
  assert.match(
    lostWords([...moves, move({ outcome: 'not-moved', branch: 't-b', lost: at('2') })]) ?? '',
    /^The main branch was force-pushed: it does not have commit 222222222222 any more\. .*: t-b\. No channel goes back/,
  );
  assert.match(
    lostWords([move({ outcome: 'not-moved', branch: 't-b', lost: at('1') })]) ?? '',
    /^The main branch does not have commit 111111111111: it was force-pushed, or somebody else moved the channel\. /,
  );
});
