/** What a flake can know of the commit that it is evaluated at, as `self.rev`, `self.lastModified` and so on. */
export interface RevisionFacts {
  /** Full commit. */
  readonly revision: string;
  /** Seconds since 1970 of the committer date. */
  readonly lastModified: number;
}

/** Rewrites a text of the candidate's derivations into what base would have in its place. */
export type Rewrite = (text: string, hashes: ReadonlyMap<string, string>) => string;

/** `YYYYMMDDHHMMSS` in UTC, as `self.lastModifiedDate` is. */
const dateDigits = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(/\D/g, '').slice(0, 14);

/**
 * Makes a rewrite that puts base's facts in the place of the candidate's: the revision and every beginning of it from
 * seven digits on, both forms of the date, and the day where it stands beside a short revision (`20261121.abcdef1`) -
 * elsewhere a day is too likely to be something else. Store hashes are replaced by the given pairs and are otherwise
 * left alone, even when a short revision happens to be in one.
 */
export function revisionRewrite(candidate: RevisionFacts, base: RevisionFacts): Rewrite {
  const short = candidate.revision.slice(0, 7);
  const date = dateDigits(candidate.lastModified);
  const baseDate = dateDigits(base.lastModified);
  const pattern = new RegExp(
    [
      `(?<![0-9])(?<day>${date.slice(0, 8)})(?<sign>[.-])(?<beside>${short}[0-9a-f]*)`,
      `(?<seconds>(?<![0-9])${candidate.lastModified}(?![0-9]))`,
      `(?<date>(?<![0-9])${date}(?![0-9]))`,
      `(?<![0-9a-f])(?<revision>${short}[0-9a-f]*)`,
      `(?<hash>[0-9a-z]{32,})`,
    ].join('|'),
    'g',
  );
  const revision = (digits: string): string =>
    candidate.revision.startsWith(digits) ? base.revision.slice(0, digits.length) : digits;

  return (text, hashes) =>
    text.replace(pattern, (whole, ...rest) => {
      const found = rest.at(-1) as Readonly<Record<string, string | undefined>>;
      if (found.beside !== undefined) return `${baseDate.slice(0, 8)}${found.sign ?? ''}${revision(found.beside)}`;
      if (found.seconds !== undefined) return String(base.lastModified);
      if (found.date !== undefined) return baseDate;
      if (found.revision !== undefined) return revision(found.revision);
      return hashes.get(whole) ?? whole.replaceAll(candidate.revision, base.revision);
    });
}
