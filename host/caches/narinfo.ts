export interface SeenPath {
  readonly storePath: string;
  readonly narHash: string;
  readonly signatures: readonly string[];
  readonly isContentAddressed: boolean;
  /** Whether its archive is there, and whole as far as its size tells. */
  readonly hasArchive: boolean;
}

export interface NarInfo extends Omit<SeenPath, 'hasArchive'> {
  /** Address of the archive, relative to the cache; `null` when it has none that could be asked for. */
  readonly archive: string | null;
  /** Bytes of the archive as it lies there; `null` where the cache does not say it. */
  readonly archiveBytes: number | null;
}

/** Signatures that are looked at: each costs time. */
const MOST_SIGNATURES = 32;
/** No value that is looked at is longer. */
const VALUE_LENGTH = 512;

/** A part of a text that does not keep the whole in memory. */
const copied = (text: string): string => Buffer.from(text.slice(0, VALUE_LENGTH)).toString();

/** @returns `null` when the text is no narinfo, or lacks what Nix needs of one: it is cut, or something else that a server answers */
export function parseNarInfo(text: string): NarInfo | null {
  const lines = text.split('\n').map((line) => {
    const mark = line.indexOf(': ');
    return mark === -1 ? ([line, ''] as const) : ([line.slice(0, mark), line.slice(mark + 2)] as const);
  });
  const valueOf = (name: string): string => lines.find(([each]) => each === name)?.[1] ?? '';
  const storePath = valueOf('StorePath');
  const archive = valueOf('URL');
  const archiveBytes = valueOf('FileSize');
  if (!storePath.startsWith('/') || ['URL', 'NarHash', 'NarSize'].some((name) => valueOf(name) === '')) return null;
  return {
    storePath: copied(storePath),
    narHash: copied(valueOf('NarHash')),
    signatures: lines.flatMap(([name, value]) => (name === 'Sig' ? [copied(value)] : [])).slice(0, MOST_SIGNATURES),
    isContentAddressed: valueOf('CA') !== '',
    archive: /^(?!\/)(?!.*\.\.)[\w.?=/+-]{1,512}$/.test(archive) ? copied(archive) : null,
    archiveBytes: /^\d{1,15}$/.test(archiveBytes) ? Number(archiveBytes) : null,
  };
}
