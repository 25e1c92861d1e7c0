/** Paths that a command is given at once: an argument list has a limit. */
const BATCH = 1000;

/** Paths in lists that a command can be given. */
export const inBatches = (paths: readonly string[]): readonly (readonly string[])[] =>
  Array.from({ length: Math.ceil(paths.length / BATCH) }, (_, index) =>
    paths.slice(index * BATCH, (index + 1) * BATCH),
  );
