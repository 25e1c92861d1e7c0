import { lostWords } from '../channels/move.js';
import type { News, Notifier } from './types.js';
import { needsLook, type Report } from '../report/data.js';
import { overdueInputs } from '../report/held-back-words.js';
import {
  brokenTargets,
  countsWords,
  failuresWords,
  mitigation,
  nameList,
  newSourcesWords,
  outcomeWords,
  stoppingTargets,
} from '../report/words.js';
import { partRows } from '../report/part-words.js';
import { oneLine, oneName } from '../text/one-line.js';
import { tail } from '../text/text.js';
import { failureWords } from '../verify/failure-words.js';
import { heldBackLine } from './held-back.js';

/** Entries of an org-mode inbox: for what somebody has to look at. */
export const org: Notifier = {
  wants: ({ inboxOrg }, news) => inboxOrg !== null && isToDo(news),
  secretFiles: () => [],
  summary: ({ inboxOrg }) => (inboxOrg === null ? null : `inbox ${inboxOrg}`),
};

function isToDo(news: News): boolean {
  switch (news.event) {
    case 'overdue':
    case 'lost-main':
      return true;
    case 'channels':
      return news.alarm.stands.length > 0;
    case 'finished':
      return needsLook(news.report);
    case 'waiting':
    case 'reminder':
      return false;
  }
}

/** Property of an org entry that names its run: what a repeat looks for. */
export const orgRunProperty = (run: string): string => `:LOCKKEEPER_RUN: ${oneLine(run)}`;

/**
 * One org-mode `TODO` entry for a run that somebody has to look at, ending with a line feed. Only its first line begins with a star. What comes
 * from outside is in fixed-width lines, or in the heading: there without the characters that org reads as time stamps or
 * links, and never at the end, where it could be read as tags.
 * @param at ISO 8601 time of the event
 * @param timeZone IANA name of the zone that `:CREATED:` is written in
 */
export function orgEntry(report: Report, at: string, timeZone: string): string {
  const broken = brokenTargets(report);
  const first = broken[0];
  const heading = `Flake update of ${report.repository} by ${report.instance}: ${outcomeWords(report).toLowerCase()}`;
  const stopping = stoppingTargets(report);
  const named = (stopping.length > 0 ? stopping : broken).map(({ name }) => name);
  const hosts = named.length === 0 ? '' : ` (${nameList(named)})`;
  const overdue = overdueInputs(report);
  const alarm = overdue.length === 0 ? '' : `, ${nameList(overdue)} held back for too long`;
  const facts = [
    failuresWords(report) ?? '',
    lostWords(report.channels) ?? '',
    ...newSourcesWords(report).slice(0, 5),
    countsWords(report),
    ...(report.error === null ? [] : [report.error]),
    report.nothingVerified ?? '',
    ...broken
      .slice(0, 20)
      .map((target) => `${oneName(target.name)}${mitigation(report, target)}: ${failureWords(target)}`),
    ...partRows(report)
      .slice(0, 20)
      .map(
        ({ inputs, headline, details: [first = ''] }) => `${inputs}: ${headline}${first === '' ? '' : `: ${first}`}`,
      ),
    ...report.heldBack.map((held) => `${oneName(held.input)} ${heldBackLine(held, report)}`).slice(0, 20),
    ...(first?.logPath == null ? [] : [`log of ${oneName(first.name)}: ${first.logPath}`]),
    `lockkeeper report ${report.run}`,
  ];
  const log = tail(first?.logTail ?? '', { lines: 10, bytes: 2048 });
  return `${[
    `* TODO ${orgText(oneLine(`${heading}${hosts}${alarm}`, 400))}`,
    ':PROPERTIES:',
    `:CREATED: ${orgTimestamp(at, timeZone)}`,
    orgRunProperty(report.run),
    ':END:',
    ...facts.filter((fact) => fact !== '').map((fact) => `  : ${oneLine(fact, 1000)}`),
    ...(log.trim() === '' ? [] : log.split('\n').map((line) => `  : | ${oneLine(line, 500)}`)),
  ].join('\n')}\n`;
}

/** Text of a heading: active time stamps would show up in agendas, and brackets begin links and priorities. */
export const orgText = (text: string): string => text.replace(/[<[{]/g, '(').replace(/[>\]}]/g, ')');

/** An inactive time stamp: `[2025-12-04 Thu 14:17]`. */
export function orgTimestamp(at: string, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(new Date(at));
  const part = (type: Intl.DateTimeFormatPart['type']): string => parts.find((each) => each.type === type)?.value ?? '';
  return `[${part('year')}-${part('month')}-${part('day')} ${part('weekday')} ${part('hour')}:${part('minute')}]`;
}
