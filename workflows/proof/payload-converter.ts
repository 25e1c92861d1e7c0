import { defaultPayloadConverter, type PayloadConverter } from '@temporalio/common';
import { finalFailure } from '../../model/run/failures.js';
import { UNPROVEN, unprovenIn, type Unproven } from '../../model/run/proof.js';

/**
 * A value that nobody proved. As an argument it is looked for where arguments come in (see `interceptors.ts`). As a result of an activity or
 * a child it is a failure to who waits for it, because a promise follows what has a `then`; proven results take no step more.
 */
class UnprovenValue {
  readonly [UNPROVEN]: Unproven;

  constructor(unproven: Unproven) {
    this[UNPROVEN] = unproven;
  }

  // Of the class: what a workflow hands out is cloned, memos among it, and functions cannot be.
  then(_fulfilled: unknown, rejected: (reason: unknown) => void): void {
    rejected(finalFailure('RunRefused', `A result is refused: it ${this[UNPROVEN].why}.`));
  }
}

const fromPayload: PayloadConverter['fromPayload'] = (payload) => {
  const value = defaultPayloadConverter.fromPayload<never>(payload);
  const unproven = unprovenIn(value);
  return unproven === null ? value : (new UnprovenValue(unproven) as never);
};

export const payloadConverter: PayloadConverter = {
  toPayload: (value) => defaultPayloadConverter.toPayload(value),
  fromPayload,
};
