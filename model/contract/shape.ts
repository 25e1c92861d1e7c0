import { BadInput } from '../checks/names.js';

export type Check = (value: unknown, field: string) => void;

export const refuse = (field: string, value: unknown, wayOut: string): BadInput =>
  new BadInput(field, typeof value === 'string' ? value : JSON.stringify(value ?? null), wayOut);

export function asObject(field: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>;
  throw refuse(field, value, 'is not an object.');
}

/** A check for each field of `T`: one that nobody names does not compile. */
export const object =
  <T extends object>(checks: Readonly<Record<keyof T & string, Check>>): Check =>
  (value, field) => {
    const values = asObject(field, value);
    for (const [name, check] of Object.entries<Check>(checks)) check(values[name], `${field}.${name}`);
  };

export const text =
  (check: (value: string, field: string) => unknown): Check =>
  (value, field) => {
    if (typeof value !== 'string') throw refuse(field, value, 'is not text.');
    check(value, field);
  };

export const orMissing =
  (check: Check): Check =>
  (value, field) => {
    if (value !== undefined) check(value, field);
  };

export const orNull =
  (check: Check): Check =>
  (value, field) => {
    if (value !== null) check(value, field);
  };

export const list =
  (check: Check): Check =>
  (value, field) => {
    if (!Array.isArray(value)) throw refuse(field, value, 'is not a list.');
    for (const each of value) check(each, field);
  };

export const orAll =
  (check: Check): Check =>
  (value, field) => {
    if (value !== 'all') check(value, field);
  };

export const matching = (rule: RegExp, wayOut: string): Check =>
  text((value, field) => {
    if (!rule.test(value)) throw new BadInput(field, value, wayOut);
  });

export const oneOf =
  (values: readonly string[]): Check =>
  (value, field) => {
    if (typeof value !== 'string' || !values.includes(value))
      throw refuse(field, value, `is not one of ${values.join(', ')}.`);
  };

export const flag: Check = (value, field) => {
  if (typeof value !== 'boolean') throw refuse(field, value, 'is neither true nor false.');
};
