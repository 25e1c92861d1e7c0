/** The known name that a mistyped or shortened one most likely means; `null` when none is near. */
export function nearest(name: string, known: readonly string[]): string | null {
  const wanted = name.toLowerCase();
  const ranked = known
    .map((each) => ({ each, edits: distance(wanted, each.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  const [best] = ranked;
  return best !== undefined && best.edits <= Math.max(2, Math.floor(name.length / 3)) ? best.each : null;
}

/** A beginning counts as one mistake. */
const distance = (wanted: string, known: string): number =>
  wanted.length > 2 && known.startsWith(wanted) ? 1 : edits(wanted, known);

/** Levenshtein's distance: how many characters have to be added, removed or replaced. */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, a] of Array.from(from).entries()) {
    const next = [i + 1];
    for (const [j, b] of Array.from(to).entries()) {
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (a === b ? 0 : 1)));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
