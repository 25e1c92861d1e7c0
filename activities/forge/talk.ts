import { isOfDay } from '../../model/landing/branches.js';
import type { MarkedComment } from '../../model/report/forge/request.js';
import type { ReportedRequest } from '../../model/report/data.js';
import type { Repository } from '../../model/run/options.js';
import type { ForgeClient, ForgeRequest } from './types.js';

/** Requests whose branch is the one of pull requests, or was taken in its place. */
export const ours = (
  all: readonly ForgeRequest[],
  { mainBranch }: Repository,
  branch: string,
): readonly ForgeRequest[] =>
  all.filter((each) => each.into === mainBranch && each.branch !== null && isOfDay(each.branch, branch));

/** A request as reports name it. */
export async function shown(
  client: ForgeClient,
  { number, url }: Pick<ForgeRequest, 'number' | 'url'>,
): Promise<ReportedRequest> {
  const moved = await client.moved();
  return { number, url, ...(moved === null ? {} : { moved }) };
}

/** Comments on a request, unless it has that comment. */
export async function say(client: ForgeClient, number: number, { mark, body }: MarkedComment): Promise<void> {
  const comments = await client.comments(number);
  if (!comments.some((each) => each.body.includes(mark))) await client.comment(number, body);
}
