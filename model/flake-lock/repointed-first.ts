/** Inputs that come from somewhere else than before come first: they are not to be left out of what is shown. */
export const repointedFirst = <T extends { readonly source?: unknown }>(moves: readonly T[]): readonly T[] =>
  [...moves].sort((one, other) => Number(one.source === undefined) - Number(other.source === undefined));
