/** What a cache says of a path. */
export interface SeenPath {
  readonly storePath: string;
  readonly narHash: string;
  readonly signatures: readonly string[];
  readonly isContentAddressed: boolean;
  /** Whether its archive is there. */
  readonly hasArchive: boolean;
}

/** A narinfo file. */
export interface NarInfo extends Omit<SeenPath, 'hasArchive'> {
  /** Address of the archive, relative to the cache; `null` when it has none that could be asked for. */
  readonly archive: string | null;
}

/** @returns `null` when the text is no narinfo */
export function parseNarInfo(text: string): NarInfo | null {
  const lines = text.split('\n').map((line) => {
    const mark = line.indexOf(': ');
    return mark === -1 ? ([line, ''] as const) : ([line.slice(0, mark), line.slice(mark + 2)] as const);
  });
  const valueOf = (name: string): string => lines.find(([each]) => each === name)?.[1] ?? '';
  const storePath = valueOf('StorePath');
  const archive = valueOf('URL');
  if (!storePath.startsWith('/')) return null;
  return {
    storePath,
    narHash: valueOf('NarHash'),
    signatures: lines.filter(([name]) => name === 'Sig').map(([, value]) => value),
    isContentAddressed: valueOf('CA') !== '',
    archive: /^(?!\/)(?!.*\.\.)[\w.?=/+-]+$/.test(archive) ? archive : null,
  };
}
