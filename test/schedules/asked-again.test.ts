import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askedAgain } from '../../client/schedules/asked-again.js';

/** Answers one after another; `null` is one that never comes. */
function asking(...answers: readonly (string | Error | null)[]): {
  readonly asked: () => number;
  readonly ask: () => Promise<string>;
} {
  let asked = 0;
  return {
    asked: () => asked,
    ask: () => {
      const answer = answers[asked] ?? null;
      asked += 1;
      if (answer === null) return new Promise<string>(() => undefined);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
}

test('who is answered asks once, also when the answer is a refusal', async () => {
  const answered = asking('here');
  assert.equal(await askedAgain(answered.ask), 'here');
  assert.equal(answered.asked(), 1);
  const refused = asking(new Error('there is none'));
  await assert.rejects(askedAgain(refused.ask), /there is none/);
  assert.equal(refused.asked(), 1);
});

test('an answer that is lost is asked for again, and so is one that refuses then', async () => {
  const lost = asking(null, 'here');
  assert.equal(await askedAgain(lost.ask), 'here');
  assert.equal(lost.asked(), 2);
  await assert.rejects(askedAgain(asking(null, new Error('there is none')).ask), /there is none/);
});
