export interface Finding {
  readonly name: string;
  readonly level: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** What to do about it; `null` when nothing is to be done. */
  readonly wayOut: string | null;
}

export const ok = (name: string, found: string): Finding => ({ name, level: 'ok', found, wayOut: null });
export const warn = (name: string, found: string, wayOut: string): Finding => ({ name, level: 'warn', found, wayOut });
export const fail = (name: string, found: string, wayOut: string): Finding => ({ name, level: 'fail', found, wayOut });
