/** Words that stand for a whole event, from systemd.time(7) and, for those that it takes but does not name, its parser. */
export const SHORTHANDS: ReadonlyMap<string, string> = new Map([
  ['minutely', '*-*-* *:*:00'],
  ['hourly', '*-*-* *:00:00'],
  ['daily', '*-*-* 00:00:00'],
  ['weekly', 'Mon *-*-* 00:00:00'],
  ['monthly', '*-*-01 00:00:00'],
  ['quarterly', '*-01,04,07,10-01 00:00:00'],
  ...['semiannually', 'semi-annually', 'biannually', 'bi-annually'].map(
    (word) => [word, '*-01,07-01 00:00:00'] as const,
  ),
  ...['yearly', 'annually', 'anually'].map((word) => [word, '*-01-01 00:00:00'] as const),
]);
