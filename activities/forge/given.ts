import { ApplicationFailure } from '@temporalio/common';
import { oneLine } from '../../model/text/one-line.js';

/** What could not be given to a request, with the reason: `milestone "26.11": there is no open milestone of that title`. */
export type Missed = readonly string[];

/** Of what a forge says, in one line. */
const WORDS_BYTES = 300;

export const missed = (what: string, name: string, why: string): string =>
  `${what} ${JSON.stringify(name)}: ${oneLine(why, WORDS_BYTES)}`;

/** Gives a request one thing after the other. What the forge refuses keeps nothing else from being given. */
export async function giveEach(steps: readonly (() => Promise<Missed>)[]): Promise<Missed> {
  const all: string[] = [];
  for (const step of steps) {
    try {
      all.push(...(await step()));
    } catch (error) {
      if (!(error instanceof ApplicationFailure) || error.type !== 'ForgeRefused') throw error;
      all.push(error.message.replace(/\.$/, ''));
    }
  }
  return all;
}

const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** Those names that are not among others. Forges know names in any case. */
export const notAmong = (names: readonly string[], others: readonly string[]): readonly string[] =>
  names.filter((name) => !others.some((other) => same(name, other)));

/** Whether a reviewer is a team, `ORGANIZATION/TEAM`, and its name there. */
export const teamOf = (reviewer: string): string | null => reviewer.split('/')[1] ?? null;

export const NOT_ASSIGNABLE = 'there is no account of that name that may be assigned';
export const NO_MILESTONE = 'there is no open milestone of that title';
