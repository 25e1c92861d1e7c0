import { readFile } from 'node:fs/promises';

/** Reads a JSON file that this program wrote; `null` when it is missing or was cut off. */
export async function readJson<T>(path: string): Promise<T | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return null;
  }
}
