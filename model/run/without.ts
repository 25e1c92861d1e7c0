/** A copy that lacks some fields. */
export const without = <T extends object, K extends keyof T & string>(value: T, ...names: readonly K[]): Omit<T, K> =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.some((each) => each === name))) as Omit<T, K>;

export const pick = <T extends object, K extends keyof T>(whole: T, fields: readonly K[]): Pick<T, K> =>
  Object.fromEntries(fields.map((field) => [field, whole[field]])) as Pick<T, K>;
