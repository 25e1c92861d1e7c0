/** What a person has to fix or to know: its message is complete for them, names the way out, and holds no secret. */
export class HostFault extends Error {
  override readonly name: string = 'HostFault';
}

/** Code of a system error (`ENOENT`, `EACCES`, …), or `null`. */
export function systemCode(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}
