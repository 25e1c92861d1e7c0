import { textOf } from './advisory.js';

/** Parts of a CPE 2.3 name, in lower case and without its escapes: `cpe`, `2.3`, part, vendor, product, version, update … */
export function cpeParts(name: unknown): readonly string[] | null {
  const text = textOf(name);
  if (text?.startsWith('cpe:2.3:') !== true) return null;
  return text.split(/(?<!\\):/).map((part) => part.replace(/\\(.)/g, '$1').toLowerCase());
}

/** Whether a part of a CPE names nothing: any value, or one that does not apply. */
export const isAny = (part: string): boolean => part === '*' || part === '-';
