/**
 * Base score of a vector of CVSS 4.0, such as `CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N`: what a database says of
 * a threat or of an environment is left out, as of CVSS 3.
 * Source: <https://www.first.org/cvss/v4-0/specification-document>, section 8. Vectors fall into classes whose worst ones were scored by
 * people; within a class the score goes down with the distance from its worst vector, towards those of the next milder classes.
 * @returns `null` for other kinds, and for a vector that lacks one of the base metrics
 */
export function baseScore4(vector: string): number | null {
  const [kind, ...parts] = vector.split('/');
  if (kind !== 'CVSS:4.0') return null;
  const given = new Map(parts.map((part) => part.split(':', 2) as [string, string | undefined]));
  const levels = Object.entries(LEVELS).map(([name, values]) => [name, values.indexOf(given.get(name) ?? '')] as const);
  if (levels.some(([, level]) => level === -1)) return null;
  const level: Level = new Map(levels);
  if ([...IMPACTS, ...LATER].every((name) => of(level, name) === NONE)) return 0;
  const own = classOf(level);
  const score = scoreOf(own);
  const distances = ASPECTS.flatMap(({ number, metrics, worst, depth, milder }) => {
    const place = own[number];
    const next = (milder[place] ?? []).map((each) => scoreOf({ ...own, [number]: each }));
    if (next.length === 0) return [];
    const distance = distanceTo(
      worst[place] ?? [],
      metrics.map((name) => of(level, name)),
    );
    return [((score - Math.max(...next)) * distance) / (depth[place] ?? 1)];
  });
  // One aspect is how mature exploits are: there is a milder class, and no distance within one.
  const mean = distances.reduce((sum, each) => sum + each, 0) / (distances.length + 1);
  return Math.round((score - mean + ROUNDING) * 10) / 10;
}

type Level = ReadonlyMap<string, number>;

/** What floating point loses: `Math.round(8.6499999999)` is meant to be that of 8.65. */
const ROUNDING = 1e-6;

const LOSS = ['H', 'L', 'N'];
/** Values of the base metrics, the worst first. */
const LEVELS: Readonly<Record<string, readonly string[]>> = {
  ...{ AV: ['N', 'A', 'L', 'P'], PR: ['N', 'L', 'H'], UI: ['N', 'P', 'A'], AC: ['L', 'H'], AT: ['N', 'P'] },
  ...{ VC: LOSS, VI: LOSS, VA: LOSS, SC: LOSS, SI: LOSS, SA: LOSS },
};
const IMPACTS = ['VC', 'VI', 'VA'] as const;
const LATER = ['SC', 'SI', 'SA'] as const;
const NONE = 2;

const of = (level: Level, name: string): number => level.get(name) ?? 0;

/** Class of a vector; each number is 0 for the worst. */
interface Class {
  /** How it is reached: 0 to 2. */
  readonly reach: number;
  /** How hard it is: 0 or 1. */
  readonly effort: number;
  /** What the system itself loses: as `SCORES` has it, which holds 1 and 3 for the next milder classes alone. */
  readonly impact: number;
  /** What other systems lose: 0 or 1; the worst one of the specification, safety, is not told by base metrics. */
  readonly later: number;
}

function classOf(level: Level): Class {
  const isWorst = (name: string): boolean => of(level, name) === 0;
  const reached = ['AV', 'PR', 'UI'].filter(isWorst).length;
  const lost = IMPACTS.filter(isWorst).length;
  return {
    reach: reached === 3 ? 0 : reached > 0 && of(level, 'AV') < 3 ? 1 : 2,
    effort: isWorst('AC') && isWorst('AT') ? 0 : 1,
    impact: isWorst('VC') && isWorst('VI') ? 0 : lost > 0 ? 2 : 4,
    later: LATER.some(isWorst) ? 0 : 1,
  };
}

/** Metrics of which one number of a class is made. */
interface Aspect {
  readonly metrics: readonly string[];
  /** Worst vectors of a class, as levels of the metrics, and how far the mildest ones are from them, plus one. */
  readonly worst: readonly (readonly (readonly number[])[])[];
  readonly depth: readonly number[];
  readonly number: keyof Class;
  /** The same number of the next milder classes. */
  readonly milder: readonly (readonly number[])[];
}

/** Tables 24 to 30 of the specification; of `impact` only the classes that base metrics reach have worst vectors. */
const ASPECTS: readonly Aspect[] = [
  {
    ...{ number: 'reach', metrics: ['AV', 'PR', 'UI'], depth: [1, 4, 5], milder: [[1], [2], []] },
    worst: [
      [[0, 0, 0]],
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
      [
        [3, 0, 0],
        [1, 1, 1],
      ],
    ],
  },
  {
    ...{ number: 'effort', metrics: ['AC', 'AT'], depth: [1, 2], milder: [[1], []] },
    worst: [
      [[0, 0]],
      [
        [1, 0],
        [0, 1],
      ],
    ],
  },
  {
    ...{ number: 'impact', metrics: IMPACTS, depth: [7, 0, 8, 0, 10], milder: [[1, 2], [], [3], [], []] },
    worst: [
      [[0, 0, 0]],
      [],
      [
        [1, 0, 0],
        [0, 1, 0],
      ],
      [],
      [[1, 1, 1]],
    ],
  },
  {
    ...{ number: 'later', metrics: LATER, depth: [5, 4], milder: [[1], []] },
    worst: [[[0, 0, 0]], [[1, 1, 1]]],
  },
];

/** How far a vector is from the worst one of its class that is nowhere milder than it. */
function distanceTo(worst: readonly (readonly number[])[], levels: readonly number[]): number {
  const distances = worst.map((one) => levels.map((level, index) => level - (one[index] ?? 0)));
  return (distances.find((each) => each.every((step) => step >= 0)) ?? []).reduce((sum, step) => sum + step, 0);
}

/**
 * Scores of the worst vectors of classes: a row for each reach and effort, a column for each impact and what others lose. `impact` is
 * in this order: confidentiality and integrity are lost; the same, but neither matters much; one of the three; the same; none wholly.
 */
const SCORES: readonly (readonly number[])[] = [
  [10, 9.3, 9.6, 9, 9.3, 8.8, 9.2, 8, 7.9, 6.9],
  [9.5, 9.2, 9.1, 8.1, 9.2, 8.4, 8.2, 7, 7.1, 6.3],
  [9.4, 8.7, 8.9, 7.5, 8.6, 7.2, 7.6, 5.7, 6.5, 5.3],
  [9, 7.7, 7.7, 6.6, 7.4, 6.1, 5.9, 5.2, 5.8, 2.3],
  [8.6, 7, 7.4, 5.4, 7.2, 5.3, 5.7, 3.6, 4.7, 2.4],
  [7.3, 5.4, 5.5, 4.3, 6.1, 4.6, 5.1, 1.8, 2.4, 1],
];

const scoreOf = ({ reach, effort, impact, later }: Class): number =>
  SCORES[reach * 2 + effort]?.[impact * 2 + later] ?? 0;
