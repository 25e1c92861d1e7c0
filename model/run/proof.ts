/**
 * What stands in the place of a value on the Temporal server that carries no proof (see host/payload-proof.ts): the value itself,
 * and why it is not believed. Honest values never have this field.
 */
export const UNPROVEN = 'lockkeeper:unproven';

export interface Unproven {
  /** Why it is not believed, as the end of a sentence whose subject is the message. */
  readonly why: string;
  /** What it says; `null` when it is not even JSON. */
  readonly value: unknown;
}

/** What is in the place of a value without proof; `null` for a value that is proven, or where no key is used. */
export function unprovenIn(value: unknown): Unproven | null {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, UNPROVEN)) return null;
  return (value as Readonly<Record<typeof UNPROVEN, Unproven>>)[UNPROVEN];
}

/** The value, proven or not: for what is only shown. */
export const asShown = (value: unknown): unknown => {
  const unproven = unprovenIn(value);
  return unproven === null ? value : unproven.value;
};

/** Key of a refused workflow's memo that says why it was refused. */
export const REFUSED_MEMO = 'refused';

/** Why something is refused, and the way out. */
export const refusalWords = (what: string, { why }: Unproven): string =>
  `${what} is refused: it ${why}. Only somebody who can read the run key may give work to these workers: use the lockkeeper command ` +
  'with the workers’ state directory, or with their --run-key-file';
