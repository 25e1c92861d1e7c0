const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A number of bytes for people, such as `1.5 GiB`. */
export function formatSize(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${UNITS[power] ?? 'B'}`;
}

/** Bytes of a size such as `500M`, `2G` or `2GiB`, in powers of 1024; a number alone is bytes. `null` for others. */
export function parseSize(text: string): number | null {
  const match = /^(\d{1,9})\s*([kmgt])?(?:i?b)?$/i.exec(text.trim());
  return match === null ? null : Number(match[1]) * 1024 ** ('kmgt'.indexOf((match[2] ?? '').toLowerCase() || '-') + 1);
}
