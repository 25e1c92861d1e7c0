import { randomUUID } from 'node:crypto';
import { access, chmod, link, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readBounded } from './bounded-file.js';
import { systemCode } from './errors.js';

/** Files of the owner's, which nobody else may read. */
const OWNERS_FILE = 0o600;
const OWNERS_FOLDER = 0o700;

/** A report of a thousand hosts has a few MB. */
const RECORD_BYTES = 256 * 1024 ** 2;

/** Whether something is at a path, as far as this process may look. */
export const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/**
 * Makes a folder and what is missing above it; one that is there stays as it is.
 * Not Node's recursive mkdir: that tries for ever where a parent exists but takes no folders, such as /proc.
 * @param mode of folders that are made
 */
export async function makeFolder(folder: string, mode = OWNERS_FOLDER): Promise<void> {
  try {
    await mkdirUnlessThere(folder, mode);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || path.dirname(folder) === folder) throw error;
    await makeFolder(path.dirname(folder), mode);
    await mkdirUnlessThere(folder, mode);
  }
}

async function mkdirUnlessThere(folder: string, mode: number): Promise<void> {
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    const found = await stat(folder).catch(() => null);
    if (found?.isDirectory() !== true) throw error;
  }
}

/** Whether a file and its name have to be on the disk before anybody goes on. */
interface Care {
  readonly synced?: boolean;
  /** Who else may read a new file: mode bits, whatever the umask; default: nobody. */
  readonly mode?: number;
}

/** Replaces a file as a whole: readers and crashes see the old or the new content. Makes the folder if needed. */
export async function writeWhole(file: string, content: string, care: Care = {}): Promise<void> {
  const put = (): Promise<void> => place(file, content, care, (temporary) => rename(temporary, file));
  try {
    await put();
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    await makeFolder(path.dirname(file));
    await put();
  }
}

/** Makes a file that is complete from its first moment on. @returns false when there is one already, which stays */
export async function createWhole(file: string, content: string, care: Care = {}): Promise<boolean> {
  let made = true;
  await place(file, content, care, async (temporary) => {
    await link(temporary, file).catch((error: unknown) => {
      if (systemCode(error) !== 'EEXIST') throw error;
      made = false;
    });
    await rm(temporary);
  });
  return made;
}

/** @param name gives the written file its name */
async function place(
  file: string,
  content: string,
  { synced = false, mode }: Care,
  name: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${file}.${randomUUID()}.new`;
  try {
    await writeFile(temporary, content, { mode: OWNERS_FILE });
    if (mode !== undefined) await chmod(temporary, mode);
    if (synced) await sync(temporary);
    await name(temporary);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (synced) await sync(path.dirname(file));
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
export const readIfThere = (file: string): Promise<string | null> => ifThere(() => readFile(file, 'utf8'));

/** What reading gives; `null` when there is no file. */
async function ifThere(read: () => Promise<string>): Promise<string | null> {
  try {
    return await read();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return null;
    throw error;
  }
}

/**
 * JSON that this program wrote before; `null` when there is none or it is damaged, which counts as not there. What cannot be read
 * for another reason may be there: that throws.
 * @param isValid default: files that are always written whole are what they are
 */
export async function readJson<T>(
  file: string,
  isValid: (value: unknown) => value is T = (value): value is T => value !== null,
): Promise<T | null> {
  const text = await ifThere(() => readBounded(file, RECORD_BYTES));
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isValid(value) ? value : null;
  } catch {
    return null;
  }
}

/** True for objects that have all the named fields. Files of our own need no more than this. */
export const hasFields = <T>(...names: readonly (keyof T & string)[]): ((value: unknown) => value is T) => {
  return (value): value is T =>
    typeof value === 'object' && value !== null && names.every((name) => Object.hasOwn(value, name));
};

/** Last lines of a log file, for a message about the process that wrote it. */
export async function logEnd(file: string, lines = 12): Promise<string> {
  const handle = await open(file, 'r').catch(() => null);
  if (handle === null) return '(no log)';
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, 16 * 1024);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead).toString('utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } finally {
    await handle.close();
  }
}
