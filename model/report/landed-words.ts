import { waysOfLanding } from '../landing/index.js';
import type { MergedRequest, Report } from './data.js';
import { oneLine } from '../text/one-line.js';
import { NAME_BYTES, nameList, plural, shortRevision } from './words.js';

/** Where the run's commit is, or would have been; `null` when that never came up. */
export function landedWords(
  report: Report,
): { readonly text: string; readonly ref: string; readonly commit: string } | null {
  if (report.verifiedBranch !== undefined && report.head !== null)
    return { text: 'of', ref: oneLine(report.verifiedBranch), commit: oneLine(report.head) };
  if (report.compared !== undefined && report.head !== null && report.base !== null) {
    const { revision, against } = report.compared;
    return {
      text: `${oneLine(revision)} compared with`,
      ref: oneLine(against),
      commit: oneLine(report.base),
    };
  }
  if (report.landed === null) return null;
  const { mode, ref, commit, already, request } = report.landed;
  const text = waysOfLanding[mode].place(request?.number);
  return { text: already === true ? `already ${text}` : text, ref: oneLine(ref), commit: oneLine(commit) };
}

/** What there is to know of pull requests, beside their numbers: a sentence each, where the web page is told. */
export function requestWords({
  landed,
  declined,
  closedRequests,
}: Pick<Report, 'landed' | 'declined' | 'closedRequests'>): readonly RequestWords[] {
  const { request, unchanged, merged, notMerged, statusesMissing } = landed ?? {};
  return [
    ...(request === undefined ? [] : [{ text: `pull request #${request.number}`, url: request.url }]),
    ...(unchanged === true ? [{ text: UNCHANGED, url: null }] : []),
    ...(merged === undefined ? [] : [{ text: mergedWords(merged, landed?.commit ?? ''), url: null }]),
    ...(notMerged === undefined ? [] : [{ text: `not merged: ${oneLine(notMerged, 500)}`, url: null }]),
    ...(declined === undefined
      ? []
      : [{ text: `pull request #${declined.number} with the same flake.lock was closed`, url: declined.url }]),
    ...closedRequests.map(({ number, url }) => ({
      text: `closed pull request #${number}, which main needs no more`,
      url,
    })),
    ...(request?.moved === undefined
      ? []
      : [
          {
            text: `the repository has moved to ${oneLine(request.moved)}: change the address of the remote`,
            url: null,
          },
        ]),
    ...(request?.without ?? []).map((each) => ({ text: `opened without ${oneLine(each, 500)}`, url: null })),
    ...(statusesMissing === undefined
      ? []
      : [{ text: `commit statuses could not be set: ${oneLine(statusesMissing, 500)}`, url: null }]),
  ];
}

const UNCHANGED = 'no pull request was opened: the update changes no closure (--open-without-change opens one)';

/** What a request became on main, and whether that is what was verified. */
function mergedWords({ by, commit, asVerified }: MergedRequest, verified: string): string {
  const who = by === null ? 'merged' : `merged by ${oneLine(by, NAME_BYTES)}`;
  if (commit === verified) return `${who}: main has the commit that was verified`;
  const is = {
    yes: 'which has exactly the files that were verified',
    no: 'which holds other changes too: main had moved, or somebody changed the commit',
    unknown: 'which was not compared with the verified commit',
  }[asVerified === null ? 'unknown' : asVerified ? 'yes' : 'no'];
  return `${who} as commit ${shortRevision(commit)}, ${is}`;
}

export interface RequestWords {
  readonly text: string;
  readonly url: string | null;
}

/** Why the update is not on the branch that it was meant for; `null` when it is. */
export function insteadOfWords({ landed }: Report): string | null {
  if (landed?.insteadOf === undefined) return null;
  const { branch, reason } = landed.insteadOf;
  return `not on ${oneLine(branch)}, which ${oneLine(reason, 500)}`;
}

/** What became of older update branches, a sentence each. */
export function oldBranchesWords({ landed }: Report): readonly string[] {
  const { removed = [], kept = [] } = landed?.old ?? {};
  return [
    ...(removed.length === 0
      ? []
      : [`removed ${plural(removed.length, 'old branch', 'old branches')}: ${nameList(removed)}`]),
    ...kept.map(({ branch, reason }) => `old branch ${oneLine(branch)} ${oneLine(reason, 500)}`),
  ];
}
