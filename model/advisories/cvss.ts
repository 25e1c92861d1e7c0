/**
 * Base score of a vector of CVSS 3.0 or 3.1, such as `CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H`.
 * Source: <https://www.first.org/cvss/v3.1/specification-document>, section 7.
 * @returns `null` for other kinds, and for a vector that lacks one of the base metrics
 */
export function baseScore(vector: string): number | null {
  const [kind = '', ...parts] = vector.split('/');
  if (!/^CVSS:3\.[01]$/.test(kind)) return null;
  const metrics = new Map(parts.map((part) => part.split(':', 2) as [string, string | undefined]));
  const isChanged = metrics.get('S') === 'C';
  const weights = { ...WEIGHTS, PR: isChanged ? PRIVILEGES_CHANGED : WEIGHTS.PR };
  const values = Object.entries(weights).map(([name, known]) => {
    const value = metrics.get(name) ?? '';
    return Object.hasOwn(known, value) ? known[value] : undefined;
  });
  if (!['U', 'C'].includes(metrics.get('S') ?? '') || values.includes(undefined)) return null;
  const [av = 0, ac = 0, pr = 0, ui = 0, c = 0, i = 0, a = 0] = values;
  const loss = 1 - (1 - c) * (1 - i) * (1 - a);
  const impact = isChanged ? 7.52 * (loss - 0.029) - 3.25 * (loss - 0.02) ** 15 : 6.42 * loss;
  if (impact <= 0) return 0;
  const sum = impact + 8.22 * av * ac * pr * ui;
  return roundedUp(Math.min(10, isChanged ? 1.08 * sum : sum));
}

type Weights = Readonly<Record<string, number>>;

const LOSS: Weights = { H: 0.56, L: 0.22, N: 0 };

/** In the order in which `baseScore` takes them. */
const WEIGHTS = {
  AV: { N: 0.85, A: 0.62, L: 0.55, P: 0.2 } as Weights,
  AC: { L: 0.77, H: 0.44 } as Weights,
  PR: { N: 0.85, L: 0.62, H: 0.27 } as Weights,
  UI: { N: 0.85, R: 0.62 } as Weights,
  ...{ C: LOSS, I: LOSS, A: LOSS },
};

const PRIVILEGES_CHANGED: Weights = { N: 0.85, L: 0.68, H: 0.5 };

/** To one digit, without what floating point adds: appendix A of the specification. */
function roundedUp(score: number): number {
  const whole = Math.round(score * 100_000);
  return whole % 10_000 === 0 ? whole / 100_000 : (Math.floor(whole / 10_000) + 1) / 10;
}
