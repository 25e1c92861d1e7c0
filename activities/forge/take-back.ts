import type { FindRequestsInput } from '../../model/contract/requests.js';
import { isOfDay } from '../../model/landing/branches.js';
import { readMark } from '../../model/report/forge/request.js';
import { mayBeRunOfInstance } from '../../model/run/ids.js';
import { oursOfInputs, takeOwnBack } from './talk.js';
import type { ForgeClient, ForgeRequest } from './types.js';

/**
 * Takes back what earlier runs of the instance have left to the forge. Only a run that proposes all inputs in one request, and leaves
 * that to the forge itself, goes on with what one of its kind has begun: requests of single inputs are merged in turn, each on the
 * main that the one before has made.
 * @returns whether there are requests of single inputs that no run of this kind refreshes
 */
export async function takeEarlierBack(
  client: ForgeClient,
  open: readonly ForgeRequest[],
  { repository, branch, merge, earlier }: FindRequestsInput,
): Promise<boolean> {
  if (earlier === undefined) return false;
  const { instance, perInput } = earlier;
  const seen = oursOfInputs(open, repository, branch).map((request) => ({ request, mark: readMark(request.body) }));
  const ofInputs = seen.filter(({ mark }) => mark?.part?.instance === instance);
  const ofAll = seen.filter(
    ({ request, mark }) =>
      mark !== null &&
      mark.part === undefined &&
      isOfDay(request.branch ?? '', branch) &&
      mayBeRunOfInstance(instance, repository, mark.run),
  );
  const goesOn = merge === 'forge' && !perInput;
  for (const { request } of [...ofInputs, ...(goesOn ? [] : ofAll)]) await takeOwnBack(client, request);
  return !perInput && ofInputs.length > 0;
}
