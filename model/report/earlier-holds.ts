import type { HeldBackInput, LetGoInput, Outcome, Report, ReportedInput } from './data.js';

/** An input that earlier runs held back, and none has moved since. */
export interface EarlierHold {
  readonly input: string;
  /** Start of the first run that held it back at this revision: ISO 8601. */
  readonly since: string;
  /** Revision that it stays at; `null` when that is not known. */
  readonly revision: string | null;
}

type Holding = Pick<Report, 'outcome' | 'startedAt' | 'heldBack' | 'parts'> & {
  readonly inputs: readonly Pick<ReportedInput, 'name'>[];
};

/**
 * What earlier runs of a repository held back. For each input the newest run decides that held it back or moved it; runs
 * that ended otherwise prove nothing. One that does not say since when leaves that to those before it.
 * @param reports newest first
 */
export function earlierHolds(reports: readonly Holding[]): readonly EarlierHold[] {
  const found = new Map<string, EarlierHold | null>();
  const undated = new Set<string>();
  for (const report of reports) {
    const { startedAt, heldBack, inputs } = report;
    for (const { input, since, revision = null } of heldBack) {
      if (!proves(report, input, 'unchanged')) continue;
      const newer = found.get(input);
      const decides = newer === undefined || (undated.has(input) && newer?.revision === revision);
      if (decides) found.set(input, { input, since: since ?? startedAt, revision });
      if (decides && since === undefined) undated.add(input);
      else undated.delete(input);
    }
    for (const { name } of inputs) {
      if (!proves(report, name, 'failed')) continue;
      if (!found.has(name)) found.set(name, null);
      undated.delete(name);
    }
  }
  return [...found.values()].filter((hold) => hold !== null);
}

/**
 * Whether a run proves something about an input: of one that proposes each input by itself, the part that it is in does.
 * @param otherwise how an input ended that is in no part
 */
function proves({ outcome, parts }: Holding, input: string, otherwise: Outcome): boolean {
  const own =
    parts === undefined ? outcome : (parts.find(({ inputs }) => inputs.includes(input))?.outcome ?? otherwise);
  // Unchanged are runs that held everything back, too.
  return own === 'landed' || own === 'verified' || own === 'unchanged';
}

/**
 * Says since when inputs have been held back, and which of them for too long. One that nobody's break keeps back is left
 * out of the alarm: a pin has a date of its own.
 * @param earlier `null` when that is not known, and so says nothing
 * @param run.startedAt ISO 8601
 * @param run.alarmSeconds longest time without an alarm; `null`: there is none
 */
export function withHistory(
  heldBack: readonly HeldBackInput[],
  earlier: readonly EarlierHold[] | null,
  run: { readonly startedAt: string; readonly alarmSeconds: number | null },
): readonly HeldBackInput[] {
  if (earlier === null) return heldBack;
  return heldBack.map((held) => {
    const before = earlier.find(({ input, revision }) => input === held.input && revision === (held.revision ?? null));
    const since = before?.since ?? run.startedAt;
    const seconds = (Date.parse(run.startedAt) - Date.parse(since)) / 1000;
    const overdue = run.alarmSeconds !== null && held.targets.length > 0 && seconds > run.alarmSeconds;
    return { ...held, since, overdue };
  });
}

/** Inputs that move now from where earlier runs held them back. */
export const letGoInputs = (inputs: readonly ReportedInput[], earlier: readonly EarlierHold[]): readonly LetGoInput[] =>
  earlier.flatMap(({ input, since, revision }) =>
    inputs.some(({ name, from }) => name === input && from === revision) ? [{ input, since }] : [],
  );
