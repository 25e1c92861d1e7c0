import { planWords } from '../../nix/plan-words.js';
import { oneLine, oneName } from '../../text/one-line.js';
import { capitalized, formatSeconds } from '../../text/text.js';
import type { VerdictKind } from '../../targets/types.js';
import type { Report, ReportedTarget } from '../data.js';
import { isBroken, mitigation, VERDICTS, verdictWords, closureWords } from '../words.js';
import { markup, name, type Content, type Markup } from './markup.js';
import { sign, table, type Tone } from './page.js';

export const verdictTone = (verdict: VerdictKind): Tone =>
  (({ green: 'good', red: 'bad', yellow: 'warn' }) as const)[VERDICTS[verdict].tone as 'green' | 'red' | 'yellow'];

export const verdictSign = (verdict: VerdictKind): Markup => sign(VERDICTS[verdict].symbol, verdictTone(verdict));

/** Targets in a table, broken ones first; `null` when there are none. */
export function targetTable(
  report: Report,
  targets: readonly ReportedTarget[],
  noun: string,
  isHost: boolean,
): Markup | null {
  if (targets.length === 0) return null;
  const rank = (target: ReportedTarget): number => (isBroken(target) ? 0 : target.verdict === 'built' ? 2 : 1);
  const columns = [
    { title: 'Sign', of: 'sign', hidden: true as const },
    { title: capitalized(noun) },
    { title: 'Verdict' },
    ...(isHost
      ? [
          { title: 'Closure', of: 'wide' },
          { title: 'System', of: 'wide' },
        ]
      : []),
    { title: 'Time', of: 'number' },
  ];
  return table(
    `${capitalized(noun)}s, broken ones first`,
    columns,
    [...targets]
      .sort((one, other) => rank(one) - rank(other))
      .map((target) => [
        verdictSign(target.verdict),
        [name(oneName(target.name)), whyOf(target), moreWords(report, target)],
        `${verdictWords(target)}${mitigation(report, target)}`,
        ...(isHost ? [closureOf(report, target), oneLine(target.system ?? '', 40)] : []),
        formatSeconds(target.seconds),
      ]),
  );
}

const closureOf = ({ verifiedBranch }: Report, target: ReportedTarget): string =>
  closureWords(target, verifiedBranch === undefined);

const whyOf = ({ verdict, error }: ReportedTarget): Markup | null =>
  error === null || verdict === 'built'
    ? null
    : markup`<span class="below ${verdictTone(verdict)}">${oneLine(error, 500)}</span>`;

/** What the page has no column for, or no room for one. */
function moreWords(report: Report, target: ReportedTarget): readonly Content[] {
  const [closure, plan] = [closureOf(report, target), planWords(target.plan)];
  return [
    closure === '' ? null : markup`<span class="below narrow">closure ${closure}</span>`,
    plan === '' ? null : markup`<span class="below">${plan}</span>`,
  ];
}
