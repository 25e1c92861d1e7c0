import { KNOWN_OPTIONS, type RunOptions } from './options.js';

/**
 * Version of what a run's options mean. Higher when a worker that knows every field would still do the wrong thing; a new
 * field needs no new version: a worker that does not know it refuses the run.
 */
export const OPTIONS_FORMAT = 1;

type Shape = true | readonly string[] | { readonly [name: string]: Shape };

/** Refuses what a newer client asks for and this version does not know. @throws Error that names the options */
export function checkKnown(options: RunOptions): void {
  const unknown = [
    ...unknownIn(options, KNOWN_OPTIONS, ''),
    ...((options.format ?? 0) > OPTIONS_FORMAT ? [`options of format ${String(options.format)}`] : []),
  ];
  if (unknown.length === 0) return;
  throw new Error(
    `a newer Lockkeeper asked for options that this worker does not know: ${unknown.slice(0, 8).join(', ')}. ` +
      'Upgrade the workers, or ask with the version that they have',
  );
}

function unknownIn(value: unknown, shape: Shape, place: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((each) => unknownIn(each, shape, place));
  if (isWords(shape))
    return typeof value !== 'string' || shape.includes(value) ? [] : [`${place} ${JSON.stringify(value).slice(0, 80)}`];
  // What is of another type than it should be is refused where it is used.
  if (shape === true || typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, below]) => {
    const known = Object.hasOwn(shape, name) ? shape[name] : undefined;
    const path = place === '' ? name.slice(0, 80) : `${place}.${name.slice(0, 80)}`;
    return known === undefined ? [path] : unknownIn(below, known, path);
  });
}

const isWords = (shape: Shape): shape is readonly string[] => Array.isArray(shape);
