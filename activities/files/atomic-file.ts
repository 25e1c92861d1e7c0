import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * Replaces a file as a whole: a reader sees the old or the new content, and a writer that dies leaves the old one.
 * Makes the folder if it is not there.
 */
export async function writeWhole(file: string, content: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}.new`;
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  try {
    await writeFile(temporary, content, { mode: 0o600 });
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** As `writeWhole`, and returns when the file and its name are on the disk. */
export async function writeSynced(file: string, content: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}.new`;
  try {
    await writeFile(temporary, content, { mode: 0o600 });
    await sync(temporary);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await sync(path.dirname(file));
}

async function sync(place: string): Promise<void> {
  const handle = await open(place, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Content of a file; `null` when there is none. */
export async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** JSON that this program wrote before; `null` when there is none or it is damaged, which counts as not there. */
export async function readJson<T>(file: string, isValid: (value: unknown) => value is T): Promise<T | null> {
  const text = await readIfThere(file);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isValid(value) ? value : null;
  } catch {
    return null;
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/** True for objects that have all the named fields. Files of our own need no more than this. */
export const hasFields = <T>(...names: readonly (keyof T & string)[]): ((value: unknown) => value is T) => {
  return (value): value is T =>
    typeof value === 'object' && value !== null && names.every((name) => Object.hasOwn(value, name));
};
