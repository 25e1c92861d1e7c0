import { Context } from '@temporalio/activity';
import { SEARCH_ATTRIBUTES } from '../../model/run/messages.js';

/** An operator may make what is missing at any time. */
const ASKED_AGAIN_MS = 10 * 60_000;

/**
 * Makes the activity that says which search attributes runs may set. It only reads. A worker asks as rarely as can be: each
 * question leaks a connection inside the server (temporalio/temporal#11289), until that answers nothing any more.
 * @param known what the worker found when it started; `null`: it could not find out
 */
export function createKnownSearchAttributes(known: readonly string[] | null): () => Promise<readonly string[]> {
  let answer = known;
  let askedAt = -Infinity;
  return async () => {
    const isWhole = answer?.length === SEARCH_ATTRIBUTES.length;
    if (answer !== null && (isWhole || Date.now() - askedAt < ASKED_AGAIN_MS)) return answer;
    askedAt = Date.now();
    const { client } = Context.current();
    // Listing attributes is an operator's right; where it is refused the run goes on with those that are known.
    const listed = await client.connection.operatorService
      .listSearchAttributes({ namespace: client.options.namespace })
      .catch(() => null);
    if (listed === null) return answer ?? [];
    answer = SEARCH_ATTRIBUTES.filter((name) => Object.hasOwn(listed.customAttributes, name));
    return answer;
  };
}
