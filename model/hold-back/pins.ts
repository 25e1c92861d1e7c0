import { oneLine } from '../text/one-line.js';
import type { HeldBackInput } from '../report/data.js';
import type { PinnedInput } from '../run/options.js';

/** `YYYY-MM-DD` of a moment in a time zone. */
const dayOf = (moment: Date, timeZone: string): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(moment);

/** The inputs that stay on that day because they are pinned, of those that moved. */
export function pinnedInputs(
  pins: readonly PinnedInput[],
  moved: readonly string[],
  at: { readonly moment: Date; readonly timeZone: string },
): readonly HeldBackInput[] {
  const today = dayOf(at.moment, at.timeZone);
  return pins
    .filter(({ input, until }) => moved.includes(input) && today <= until)
    .map(({ input, reason, until }) => ({ input, targets: [], reason: oneLine(`pinned until ${until}: ${reason}`) }));
}

/** Inputs to be kept back, and with them those that can only move with one of them. */
export function withCompany(
  wanted: readonly HeldBackInput[],
  groups: readonly (readonly string[])[],
): readonly HeldBackInput[] {
  const named = wanted.map(({ input }) => input);
  const company = groups.flatMap((group) => {
    const leader = group.find((name) => named.includes(name));
    if (leader === undefined) return [];
    const others = group.filter((name) => !named.includes(name));
    return others.map((input) => ({ input, targets: [], reason: `can only move together with ${leader}` }));
  });
  return [...wanted, ...company];
}
