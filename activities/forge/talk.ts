import { isOfDay } from '../../model/landing/branches.js';
import { isLeftToForge, withClosedMark, type MarkedComment } from '../../model/report/forge/request.js';
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

/** Requests on the branch of pull requests, or on any that begins with it as those of single inputs do. */
export const oursOfInputs = (
  all: readonly ForgeRequest[],
  { mainBranch }: Repository,
  branch: string,
): readonly ForgeRequest[] =>
  all.filter(
    (each) => each.into === mainBranch && (each.branch === branch || each.branch?.startsWith(`${branch}-`) === true),
  );

/** What an earlier run has left to the forge is taken back when nobody wants that any more; what a person asked it for is not. */
export async function takeOwnBack({ merging }: ForgeClient, request: ForgeRequest | undefined): Promise<void> {
  if (request !== undefined && isLeftToForge(request.body)) await merging.takeOwnBack(request.number);
}

/** A request as reports name it. */
export async function shown(
  client: ForgeClient,
  { number, url }: Pick<ForgeRequest, 'number' | 'url'>,
): Promise<ReportedRequest> {
  const moved = await client.moved();
  return { number, url, ...(moved === null ? {} : { moved }) };
}

/** Closes a request for a run, with a last comment. Nobody has declined it. */
export async function close(
  client: ForgeClient,
  { number, body }: ForgeRequest,
  comment: MarkedComment,
  run: string,
): Promise<void> {
  await say(client, number, comment);
  await client.change(number, { body: withClosedMark(body, run), close: true });
}

/** Comments on a request, unless it has that comment. */
export async function say(client: ForgeClient, number: number, { mark, body }: MarkedComment): Promise<void> {
  const comments = await client.comments(number);
  if (!comments.some((each) => each.body.includes(mark))) await client.comment(number, body);
}
